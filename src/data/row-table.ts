import { createIdIndex } from './id-index.ts';

/**
 * open: to be answered · rejected: never a request · succeeded, failed: has a result · left: outside `--sample` or `--failed-of` ·
 * elsewhere: of another shard, a request or not · copy: gets the result of an identical request, which another row is
 */
export const rowStates = { open: 0, rejected: 1, succeeded: 2, failed: 3, left: 4, elsewhere: 5, copy: 6 } as const;
export type RowState = (typeof rowStates)[keyof typeof rowStates];

/** Whether a row is one that the run is to give a result. */
export const isWanted = (state: RowState): boolean => state !== rowStates.left && state !== rowStates.elsewhere;

export interface NewRow {
  offset: number;
  length: number;
  line: number;
  group: number;
  state: RowState;
  /** CRC-32 of the line's bytes. */
  checksum: number;
}

/**
 * Holds what must be known of every request during a run, in typed arrays: about 55 bytes a row with its id, so that a
 * million rows cost 55 MB, where a Map of strings alone would cost 100. Rows are numbered from 0, in input order.
 */
export type RowTable = ReturnType<typeof createRowTable>;

export function createRowTable() {
  let size = 0;
  let columns = createColumns(1024);
  const ids = createIdIndex();

  return {
    get size() {
      return size;
    },
    add({ offset, length, line, group, state, checksum }: NewRow): number {
      if (size === columns.states.length) columns = growColumns(columns);
      columns.offsets[size] = offset;
      columns.lengths[size] = length;
      columns.lines[size] = line;
      columns.groups[size] = group;
      columns.states[size] = state;
      columns.checksums[size] = checksum;
      return size++;
    },
    /** The row with this id, or -1. */
    find: ids.find,
    /** The row with this id, or -1 also where it is another shard's. */
    findHere(id: string): number {
      const row = ids.find(id);
      return columns.states[row] === rowStates.elsewhere ? -1 : row;
    },
    /** Gives the id to the row; false when another row has it. */
    claim: ids.claim,
    /** Byte offset of the row's line in the input. */
    offset: (row: number): number => columns.offsets[row] ?? 0,
    length: (row: number): number => columns.lengths[row] ?? 0,
    checksum: (row: number): number => columns.checksums[row] ?? 0,
    line: (row: number): number => columns.lines[row] ?? 0,
    group: (row: number): number => columns.groups[row] ?? 0,
    state: (row: number): RowState => (columns.states[row] ?? 0) as RowState,
    setState(row: number, state: RowState): void {
      columns.states[row] = state;
    },
    /** Byte offset of the row's result in the output; -1 while there is none. */
    resultOffset: (row: number): number => columns.resultOffsets[row] ?? -1,
    resultLength: (row: number): number => columns.resultLengths[row] ?? 0,
    setResult(row: number, offset: number, length: number): void {
      columns.resultOffsets[row] = offset;
      columns.resultLengths[row] = length;
    },
  };
}

const createColumns = (capacity: number) => ({
  offsets: new Float64Array(capacity),
  lengths: new Uint32Array(capacity),
  lines: new Uint32Array(capacity),
  groups: new Uint32Array(capacity),
  states: new Uint8Array(capacity),
  checksums: new Uint32Array(capacity),
  resultOffsets: new Float64Array(capacity).fill(-1),
  resultLengths: new Uint32Array(capacity),
});

function growColumns(old: ReturnType<typeof createColumns>): ReturnType<typeof createColumns> {
  const grown = createColumns(old.states.length * 2);
  grown.offsets.set(old.offsets);
  grown.lengths.set(old.lengths);
  grown.lines.set(old.lines);
  grown.groups.set(old.groups);
  grown.states.set(old.states);
  grown.checksums.set(old.checksums);
  grown.resultOffsets.set(old.resultOffsets);
  grown.resultLengths.set(old.resultLengths);
  return grown;
}
