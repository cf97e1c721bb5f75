import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { backends } from '../../../src/backends/index.ts';
import { type AnswerSettings, type RunnerSettings, defaultRunnerSettings } from '../../../src/core/settings.ts';
import { validateBatch } from '../../../src/serve/batches/validate-batch.ts';
import { writeBatchFiles } from '../../../src/serve/batches/write-files.ts';
import { type NewQueue, createBatchQueue } from '../../../src/serve/queue/create-queue.ts';
import type { ModelRoute } from '../../../src/serve/serve-options.ts';
import { openBatchStore } from '../../../src/serve/store/batch-store.ts';
import { type BatchRecord, isOver } from '../../../src/serve/store/batch-record.ts';
import { openFileStore } from '../../../src/serve/store/file-store.ts';
import { openPauseFile } from '../../../src/serve/store/pause-file.ts';
import type { Store } from '../../../src/serve/store/store.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { mockSettings } from '../../helpers/start-run.ts';
import { waitUntil } from '../../helpers/wait.ts';
import { batchRecord } from '../batch-record.ts';

/** A queue with stores of its own, and the mock engine. */
export interface QueueFolder {
  queue: NewQueue;
  store: Store;
  /** Epoch milliseconds; a test may put another clock in its place. */
  clock: { now: () => number };
  notes: string[];
  /** Adds a batch of so many chats, and submits it. Several models take turns. */
  submit: (requests: number, changes?: Partial<BatchRecord> & { model?: string | string[] }) => Promise<string>;
  record: (id: string) => BatchRecord;
  /** Waits until the batch is over. */
  end: (id: string) => Promise<BatchRecord>;
  untilRunning: (id: string) => Promise<unknown>;
  /** The ids of the requests in the journal of a batch, in its order. */
  journal: (id: string) => Promise<string[]>;
  /** The lines of a file of the store. */
  lines: (fileId: string | null) => Promise<FileLine[]>;
}

interface FileLine {
  custom_id: string;
  response: { status_code: number; body: { choices: [{ message: { content: string } }] } } | null;
  error: { code: string } | null;
}

export interface QueueSettings {
  folder?: string;
  settings?: Partial<AnswerSettings>;
  routes?: ModelRoute[];
  options?: AnswerSettings['options'];
  runner?: Partial<RunnerSettings>;
}

export async function startQueue(asked: QueueSettings = {}): Promise<QueueFolder> {
  const { folder = await scratchFolder(), routes = [], options = {} } = asked;
  const notes: string[] = [];
  const notify = ({ text }: { text: string }): void => void notes.push(text);
  const settings = { ...mockSettings, model: null, options, ...asked.settings };
  const files = await openFileStore(join(folder, 'files'), notify);
  const store: Store = {
    folder,
    files,
    batches: await openBatchStore(join(folder, 'batches'), { files, notify }),
    pause: await openPauseFile(join(folder, 'paused.json'), notify),
    close: async () => {},
  };
  const clock = { now: Date.now };
  const queue = createBatchQueue({
    store,
    options: {
      backends,
      environment: {},
      routes,
      settings,
      runner: { ...defaultRunnerSettings, workers: 4, ...asked.runner },
      notify,
    },
    steps: {
      validate: (record, signal) => validateBatch(record, { store, settings, isLenient: false, signal }),
      writeFiles: ({ id }, signal) => writeBatchFiles(id, { store, settings, signal }),
    },
    onEvent: () => {},
    now: () => clock.now(),
  });
  onTestFinished(() => queue.close(true));
  queue.start();
  const record = (id: string): BatchRecord => {
    const found = store.batches.find(id);
    if (found === null) throw new Error(`no batch ${id}`);
    return found;
  };
  return {
    queue,
    store,
    clock,
    notes,
    record,
    async submit(requests, { model = 'mock', ...changes } = {}) {
      const id = await addBatch(store, chats(requests, [model].flat()), changes);
      queue.submit(id);
      return id;
    },
    async end(id) {
      await waitUntil(() => isOver(record(id)));
      return record(id);
    },
    untilRunning: (id) => waitUntil(() => (queue.snapshotOf(id)?.progress.done ?? 0) > 0),
    async journal(id) {
      const text = await readFile(store.batches.pathsOf(id).results, 'utf8');
      return linesOf(text).map(({ custom_id }) => custom_id);
    },
    lines: async (id) => (id === null ? [] : linesOf(await readFile(files.pathOf(id), 'utf8'))),
  };
}

const linesOf = (text: string): FileLine[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as FileLine);

/** Each asks for its own id, which the mock engine answers. */
function chats(count: number, models: string[]): string {
  const lines = Array.from({ length: count }, (_, index) => ({
    custom_id: `r${index + 1}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: models[index % models.length], messages: [{ role: 'user', content: `question ${index + 1}` }] },
  }));
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

async function addBatch(
  { files, batches: store }: Store,
  text: string,
  changes: Partial<BatchRecord>,
): Promise<string> {
  const draft = await files.begin();
  draft.stream.write(text);
  const input = await draft.keep({ filename: 'in.jsonl', purpose: 'batch', expiresAt: null });
  const now = Math.floor(Date.now() / 1000);
  const asked = { createdAt: now, expiresAt: now + 86_400, status: 'validating' as const, models: [], ...changes };
  const record = batchRecord({ inputFileId: input.id, counts: { total: 0, completed: 0, failed: 0 }, ...asked });
  await store.add(record);
  return record.id;
}
