import type { FileHandle } from 'node:fs/promises';
import type { ByteRange } from '../files/read-ranges.ts';
import { readResultLines } from '../files/read-result-lines.ts';
import { type RowTable, rowStates } from '../data/row-table.ts';
import { keepDamage } from './open-output.ts';
import { type ResultHead, readResultHead } from './result-head.ts';

/** What was found in an output that the table of rows can't hold. */
export interface LoadedResults {
  /**
   * Results whose id the input, or the shard of it, does not have, because it was changed and the drift allowed. They stay
   * at the end of the output.
   */
  unknown: ByteRange[];
  /** How many lines are not results. A copy of their bytes is kept beside the output. */
  damagedLines: number;
}

/**
 * Notes for each row where its result lies. Of several lines for one id the last success counts, else the last failure.
 * Rows are found by their ids; the line numbers play no part. Throws a `JournalError` where damaged lines can't be kept.
 */
export async function loadResults(
  { handle, path, size }: { handle: FileHandle; path: string; size: number },
  table: RowTable,
  onResult: (row: number, head: ResultHead) => void,
): Promise<LoadedResults> {
  const loaded: LoadedResults = { unknown: [], damagedLines: 0 };
  const damaged: ByteRange[] = [];
  for await (const lines of readResultLines(handle, size)) {
    for (const { bytes, offset, length } of lines) {
      const head = readResultHead(bytes);
      const row = head === null ? -1 : table.findHere(head.id);
      if (head === null) {
        if (isBlank(length, bytes)) continue;
        loaded.damagedLines++;
        addRange(damaged, { offset, length });
      } else if (row === -1) {
        loaded.unknown.push({ offset, length });
      } else if (head.kind === null || table.state(row) !== rowStates.succeeded) {
        // Two successes for one id (outputs put together by hand) count once.
        if (table.state(row) !== rowStates.succeeded) onResult(row, head);
        noteState(table, row, head);
        table.setResult(row, offset, length);
      }
    }
  }
  await keepDamage({ handle, path }, damaged);
  return loaded;
}

/** Whether a line is empty, as an editor may leave them: then nothing of it is to be kept. */
const isBlank = (length: number, bytes: Buffer): boolean =>
  length === 0 || (length === 1 && bytes[0] === carriageReturn);

const carriageReturn = 13;

/** Adds a range; one that follows the last range directly makes that one longer, so that both are copied in one go. */
function addRange(ranges: ByteRange[], { offset, length }: ByteRange): void {
  const last = ranges.at(-1);
  if (last !== undefined && last.offset + last.length + 1 === offset) last.length += 1 + length;
  else ranges.push({ offset, length });
}

function noteState(table: RowTable, row: number, { kind }: ResultHead): void {
  if (table.state(row) === rowStates.rejected) return;
  table.setState(row, kind === null ? rowStates.succeeded : rowStates.failed);
}
