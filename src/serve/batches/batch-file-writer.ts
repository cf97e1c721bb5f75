import { toJournalError } from '../../files/write-group.ts';
import type { BatchRecord } from '../store/batch-record.ts';
import type { FileDraft, FileStore } from '../store/store.ts';
import type { FileLine } from './result-lines.ts';

/** A file of results that is being written: it begins with its first line. */
export interface BatchFile {
  add: (line: FileLine) => Promise<void>;
  /** Shows the file. Resolves to its id, or null where it has no line. */
  keep: () => Promise<string | null>;
  discard: () => Promise<void>;
}

/** Lines are gathered to about so many characters, so that each write is worth its while. */
const groupCharacters = 256 * 1024;

/** Begins a file of a batch under the id that its record has for it; what an earlier try left there is removed. */
export async function createBatchFile(
  files: FileStore,
  record: BatchRecord,
  of: 'output' | 'error',
): Promise<BatchFile> {
  const id = of === 'output' ? record.outputFileId : record.errorFileId;
  if (id === null) throw new TypeError('the id of the file is not chosen');
  await files.remove(id);
  const state = { draft: null as FileDraft | null, text: '' };

  const write = async (): Promise<void> => {
    state.draft ??= await begin(files, id);
    const { stream } = state.draft;
    const { text } = state;
    state.text = '';
    await new Promise<void>((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(toJournalError(error, files.pathOf(id))) : resolve()));
    });
  };

  return {
    async add(line) {
      state.text += `${JSON.stringify(line)}\n`;
      if (state.text.length >= groupCharacters) await write();
    },
    async keep() {
      if (state.text !== '') await write();
      if (state.draft === null) return null;
      const { outputExpiresAfter } = record;
      const expiresAt = outputExpiresAfter === null ? null : Math.floor(Date.now() / 1000) + outputExpiresAfter;
      const kept = await state.draft.keep({ filename: `${record.id}_${of}.jsonl`, purpose: 'batch_output', expiresAt });
      return kept.id;
    },
    async discard() {
      await state.draft?.discard();
      // It may be kept already, and then its other half failed.
      await files.remove(id);
    },
  };
}

async function begin(files: FileStore, id: string): Promise<FileDraft> {
  const draft = await files.begin(id);
  // Each write hears of its own error.
  draft.stream.on('error', () => undefined);
  return draft;
}
