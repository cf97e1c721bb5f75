import { crc32 } from 'node:zlib';
import { UsageError } from '../core/errors.ts';
import { type IdIndex, createIdIndex } from '../data/id-index.ts';
import type { RawLine } from '../files/read-lines.ts';
import { type BatchRequest, type ReadLine, type RejectedLine, isRejected, systemPromptOf } from '../core/request.ts';
import { type NewRow, type RowState, type RowTable, createRowTable, isWanted, rowStates } from '../data/row-table.ts';
import { type Shard, isInShard } from '../data/shard.ts';
import { type LineDefaults, type LineReading, isTable, readRequest } from './read-request.ts';

import type { InputForm } from './source/look.ts';

/** Requests that share a model and a system prompt. */
interface RequestGroup {
  model: string;
  /** The first row of the group, to read the system prompt from again. */
  firstRow: number;
  requests: number;
  systemPromptLength: number;
}

/** The result of one pass over the input. Only numbers are kept of the lines. */
export interface InputScan {
  readonly table: RowTable;
  readonly groups: readonly RequestGroup[];
  /** Models that the input names, in the order of their first request. */
  readonly models: readonly string[];
  /** The lines of the file, and what they are, without those of other shards. */
  readonly counts: { lines: number; requests: number; rejected: number };
  /** What the lines of other shards are. */
  readonly elsewhere: { requests: number; rejected: number };
  /** Takes the next lines of the file, in order. */
  add(lines: readonly RawLine[]): void;
  /** Reads a line of the input again, as it was taken the first time. */
  read(row: number, bytes: Buffer): ReadLine;
  /** Says whether these bytes are still the row's line; null stands for a file that ends before it. */
  isUnchanged(row: number, bytes: Buffer | null): bytes is Buffer;
  /** A row that is read again is no longer what it was. */
  onChanged(row: number): void;
}

export interface ScanOptions {
  defaults: LineDefaults;
  /** Take only so many rows. */
  limit: number | null;
  /** Take only the rows of this shard: of those that `limit` leaves. */
  shard?: Shard | null;
  /** Take only the rows with these ids, and count `limit` among them. */
  only?: ((id: string) => boolean) | null;
  /** The form of the file that the lines are of. */
  form: InputForm;
  /** `record` where the lines count the records of a file whose lines do not. */
  unit?: 'record' | undefined;
  /** Called for each line that is no request, also for those of other shards. */
  onRejected?: (rejected: RejectedLine, isOurs: boolean) => void;
  onRequest?: (request: BatchRequest) => void;
  /**
   * Called for a line that is no longer what it was, and is left out. Without a listener such a line ends the reading.
   */
  onChanged?: (line: number) => void;
}

export function createInputScan({ defaults, limit, form, unit, ...options }: ScanOptions): InputScan {
  const { shard = null, only = null, ...listeners } = options;
  const reading: LineReading = { ...defaults, form };
  const table = createRowTable();
  const rows: Rows = {
    table,
    grouping: createGrouping(),
    counts: { lines: 0, requests: 0, rejected: 0 },
    elsewhere: { requests: 0, rejected: 0 },
  };
  const { counts, elsewhere } = rows;
  const rowsTaken = (): number => (only === null ? table.size : counts.requests + counts.rejected);
  const stateOf = (id: string): RowState => {
    if (only !== null && !only(id)) return rowStates.left;
    return isInShard(id, shard) ? rowStates.open : rowStates.elsewhere;
  };

  const addRow = (raw: RawLine, line: number): void => {
    const found = readRequest({ bytes: raw.bytes, tooLong: raw.tooLong, isScanned: true }, line, reading);
    const read = withOwnId(found, table, unit);
    const state = stateOf(read.id);
    if (state === rowStates.open) addOwn(rows, read, placeIn(raw, line), listeners);
    else addOther(rows, read, { ...placeIn(raw, line), group: 0, state }, listeners);
  };

  return {
    table,
    ...rows.grouping.found,
    counts,
    elsewhere,
    add(lines) {
      for (const raw of lines) {
        counts.lines++;
        if (!isBlank(raw) && (limit === null || rowsTaken() < limit)) addRow(raw, headerLines(form) + counts.lines);
      }
    },
    read(row, bytes) {
      const line = table.line(row);
      // Only a line that was too long is kept with length 0: blank lines are no rows.
      // The scan took it under an id of its own: only a row that it rejected may hold the id of another.
      const state = table.state(row);
      const isAccepted = state !== rowStates.rejected && isWanted(state);
      const read = readRequest({ bytes, tooLong: table.length(row) === 0, isAccepted }, line, reading);
      if (!isRejected(read) && (isAccepted || table.find(read.id) === row)) return read;
      const rejected = isRejected(read) ? read : duplicateOf(read, table, unit);
      return { ...rejected, id: idForRejected(table, rejected, row), unit };
    },
    isUnchanged: (row, bytes): bytes is Buffer => bytes !== null && crc32(bytes) === table.checksum(row),
    onChanged(row) {
      if (listeners.onChanged === undefined) throw changedInput(table.line(row));
      listeners.onChanged(table.line(row));
    },
  };
}

/** What becomes of the lines. */
interface Rows extends Pick<InputScan, 'table' | 'counts' | 'elsewhere'> {
  grouping: ReturnType<typeof createGrouping>;
}

type Listeners = Pick<ScanOptions, 'onRejected' | 'onRequest'>;

/** Adds a row that is to get a result. */
function addOwn(
  { table, grouping, counts }: Rows,
  read: ReadLine,
  place: ReturnType<typeof placeIn>,
  { onRejected, onRequest }: Listeners,
): void {
  if (isRejected(read)) {
    counts.rejected++;
    table.add({ ...place, group: 0, state: rowStates.rejected });
    onRejected?.(read, true);
    return;
  }
  counts.requests++;
  const group = grouping.groupOf(read.body.model, systemPromptOf(read.body), table.size);
  table.add({ ...place, group, state: rowStates.open });
  onRequest?.(read);
}

/** Adds a row of another shard, or one that did not fail: of that it plays no part whether it is a request. */
function addOther({ table, elsewhere }: Rows, read: ReadLine, row: NewRow, { onRejected }: Listeners): void {
  const isBad = isRejected(read) && row.state === rowStates.elsewhere;
  elsewhere[isBad ? 'rejected' : 'requests']++;
  table.add(row);
  if (isBad) onRejected?.(read, false);
}

/** The header of a table stands before its first row. */
const headerLines = (form: InputForm): number => (isTable(form) ? 1 : 0);

const changedInput = (line: number): UsageError =>
  new UsageError(
    `line ${line} of the input has just changed: another program is writing to the file`,
    'Run it again when the file does not change any more.',
  );

function duplicateOf({ id, line, rowJson, row }: BatchRequest, table: RowTable, unit = 'line'): RejectedLine {
  const first = `${unit === 'line' ? 'on' : 'in'} ${unit} ${table.line(table.find(id))}`;
  const reason = `the id ${JSON.stringify(id)} was seen before, ${first}`;
  const kept = { ...(rowJson === undefined ? {} : { rowJson }), ...(row === undefined ? {} : { row }) };
  return { id: `line-${line}`, line, reason, isRepeated: true, ...kept };
}

const placeIn = ({ bytes, offset, length, tooLong }: RawLine, line: number) => ({
  offset,
  length: tooLong ? 0 : length,
  line,
  checksum: crc32(bytes),
});

/**
 * Claims the id of the next row; one whose id another row has is rejected. The ids of all shards are claimed, so that
 * each shard finds the same repeated ones.
 */
function withOwnId(read: ReadLine, table: RowTable, unit: 'record' | undefined): ReadLine {
  const row = table.size;
  const checked = isRejected(read) || table.claim(read.id, row) ? read : duplicateOf(read, table, unit);
  return isRejected(checked) ? { ...checked, id: claimForRejected(table, checked, row), unit } : checked;
}

/**
 * A rejected line must not take the id of another one: its own where it is free, else one by its line number. It is
 * claimed whether or not anybody listens: a resume finds the result of the line by this id.
 */
function claimForRejected(table: RowTable, rejected: RejectedLine, row: number): string {
  return idsForRejected(rejected).find((id) => table.claim(id, row)) ?? rejected.id;
}

function idForRejected(table: RowTable, rejected: RejectedLine, row: number): string {
  return idsForRejected(rejected).find((id) => table.find(id) === row) ?? rejected.id;
}

const idsForRejected = ({ id, line }: RejectedLine): string[] => [id, `line-${line}`, `line-${line}-rejected`];

/** Says whether a line holds only spaces, tabs and a carriage return: such a line is no row. */
function isBlank({ bytes, tooLong }: RawLine): boolean {
  if (tooLong) return false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}

/**
 * Texts of the groups seen last, up to so many characters: looked up without hashing a system prompt by hand for each
 * line.
 */
const keptCharacters = 4 * 1024 * 1024;

function createGrouping() {
  const groups: RequestGroup[] = [];
  const models: string[] = [];
  const named = new Set<string>();
  const index: IdIndex = createIdIndex();
  const recent = new Map<string, number>();
  let recentCharacters = 0;
  let last = { model: '', system: '', group: -1 };

  const openGroup = (group: RequestGroup): number => {
    if (!named.has(group.model)) models.push(group.model);
    named.add(group.model);
    return groups.push(group) - 1;
  };

  const remember = (key: string, group: number): void => {
    recentCharacters += key.length;
    if (recentCharacters > keptCharacters) {
      recent.clear();
      recentCharacters = key.length;
    }
    recent.set(key, group);
  };

  const findGroup = (model: string, system: string, row: number): number => {
    // The length of the model stands in the key, so that no other model and system prompt make the same text.
    const key = `${model.length}\n${model}${system}`;
    const known = recent.get(key);
    if (known !== undefined) return known;
    const group = index.claim(key, groups.length)
      ? openGroup({ model, firstRow: row, requests: 0, systemPromptLength: system.length })
      : index.find(key);
    remember(key, group);
    return group;
  };

  return {
    found: { groups, models },
    groupOf(model: string, system: string, row: number): number {
      if (last.group === -1 || last.system !== system || last.model !== model) {
        last = { model, system, group: findGroup(model, system, row) };
      }
      groups[last.group]!.requests++;
      return last.group;
    },
  };
}
