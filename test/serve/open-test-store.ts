import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Notice } from '../../src/core/events.ts';
import { newRecord } from '../../src/serve/batches/new-batch.ts';
import type { BatchRecord } from '../../src/serve/store/batch-record.ts';
import { openStore } from '../../src/serve/store/open-store.ts';
import type { Store } from '../../src/serve/store/store.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';

export interface TestStore {
  store: Store;
  notices: Notice[];
  upload: (text: string) => Promise<string>;
  /** Adds a batch whose input is this text. */
  add: (text: string, changes?: Partial<BatchRecord>) => Promise<BatchRecord>;
  /** The lines of a file, parsed; an empty list where there is no such file. */
  lines: (id: string | null) => Promise<Record<string, unknown>[]>;
}

/** Opens the store of a server in a folder, a new one unless it is given, and closes it when the test has finished. */
export async function openTestStore(folder?: string): Promise<TestStore> {
  const notices: Notice[] = [];
  const store = await openStore(folder ?? join(await scratchFolder(), 'server'), (notice) => notices.push(notice));
  onTestFinished(store.close);
  const upload = async (text: string): Promise<string> => {
    const draft = await store.files.begin();
    draft.stream.write(text);
    return (await draft.keep({ filename: 'in.jsonl', purpose: 'batch', expiresAt: null })).id;
  };
  return {
    store,
    notices,
    upload,
    async add(text, changes = {}) {
      const record = { ...newRecord(askedFor(await upload(text)), 1_800_000_000, null), ...changes };
      await store.batches.add(record);
      return record;
    },
    async lines(id) {
      if (id === null) return [];
      const text = await readFile(store.files.pathOf(id), 'utf8');
      return text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

const askedFor = (inputFileId: string) => ({
  inputFileId,
  endpoint: '/v1/chat/completions',
  completionWindow: '24h',
  metadata: null,
  priority: 0,
  outputExpiresAfter: null,
});

/** A line of a batch. */
export const batchLine = (id: string, changes: object = {}): string =>
  `${JSON.stringify({
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'mock', messages: [{ role: 'user', content: `question ${id}` }] },
    ...changes,
  })}\n`;
