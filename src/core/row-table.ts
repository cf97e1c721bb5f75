import { float64Column, uint8Column, uint32Column } from './column.ts';
import { createIdIndex } from './id-index.ts';

/** open: to be answered · rejected: never a request · succeeded, failed: has a result · left: outside `--limit`, `--sample` */
export const rowStates = { open: 0, rejected: 1, succeeded: 2, failed: 3, left: 4 } as const;
export type RowState = (typeof rowStates)[keyof typeof rowStates];

export interface NewRow {
  offset: number;
  length: number;
  line: number;
  group: number;
  state: RowState;
}

/**
 * What must be known of every request while a run goes on, in typed arrays: about 50 bytes a row with its id, so that a
 * million rows cost 50 MB, where a Map of strings alone would cost 100. Rows are numbered from 0, in input order.
 */
export type RowTable = ReturnType<typeof createRowTable>;

export function createRowTable() {
  let size = 0;
  const offsets = float64Column();
  const lengths = uint32Column();
  const lines = uint32Column();
  const groups = uint32Column();
  const states = uint8Column();
  const resultOffsets = float64Column(-1);
  const resultLengths = uint32Column();
  const ids = createIdIndex();

  return {
    get size() {
      return size;
    },
    add(row: NewRow): number {
      offsets.set(size, row.offset);
      lengths.set(size, row.length);
      lines.set(size, row.line);
      groups.set(size, row.group);
      states.set(size, row.state);
      return size++;
    },
    /** The row with this id, or -1. */
    find: ids.find,
    /** Gives the id to the row; false when another row has it. */
    claim: ids.claim,
    /** Where the row's line lies in the input. */
    offset: offsets.get,
    length: lengths.get,
    line: lines.get,
    group: groups.get,
    setGroup: groups.set,
    state: (row: number): RowState => states.get(row) as RowState,
    setState: (row: number, state: RowState): void => states.set(row, state),
    /** Where the row's result lies in the output; -1 while there is none. */
    resultOffset: resultOffsets.get,
    resultLength: resultLengths.get,
    setResult(row: number, offset: number, length: number): void {
      resultOffsets.set(row, offset);
      resultLengths.set(row, length);
    },
  };
}
