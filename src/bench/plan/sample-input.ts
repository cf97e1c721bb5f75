import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { isRejected } from '../../core/request.ts';
import { rowStates } from '../../data/row-table.ts';
import { type Shard, shardName } from '../../data/shard.ts';
import type { AnswerSettings } from '../../core/settings.ts';
import { type GivenFlag, validateCommand } from '../../text/command-line.ts';
import { replaceFile } from '../../files/replace-file.ts';
import { readRows } from '../../input/read-items.ts';
import { pathsOf } from '../../journal/manifest/run-paths.ts';
import { keepFirstRejection } from '../../run/check-input.ts';
import { type RunInput, readInput } from '../../run/read-input.ts';

/** The requests that a bench takes its own from. */
export interface RequestSource {
  sha256: string;
  requests: number;
  models: readonly string[];
  /**
   * Writes so many of its requests that share their prompts as the whole file does; always the same ones. Where it has
   * fewer they come again, with `~2` behind their ids.
   */
  write: (path: string, size: number, options?: SampleOptions) => Promise<void>;
  close: () => Promise<void>;
}

interface SourceOptions {
  /** Only the requests of this shard. */
  shard?: Shard | null | undefined;
  folder: string;
  stdin: Readable;
  stop: AbortSignal;
  /** Takes what there is to be told of the prompt template. */
  notify?: Notify;
  /** The flags of the command line, for messages. */
  given?: readonly GivenFlag[] | undefined;
}

interface SampleOptions {
  /** 0 to 1, of the distance between two: with another one, other requests are taken. */
  offset?: number;
  /** spread: any beginning of the sample is spread over the whole, for a trial that may be stopped before its end. */
  order?: 'input' | 'spread';
}

/** What ships with the package: `bench` without an input. */
export const bundledCandidates = fileURLToPath(new URL('../../../fixtures/candidates.jsonl', import.meta.url));

/**
 * Opens the user's file, which is only read. A CSV or standard input is kept in `folder` meanwhile. Throws UsageError
 * where it has no valid request.
 */
export async function openSource(
  path: string,
  settings: AnswerSettings,
  { folder, given, shard = null, ...host }: SourceOptions,
): Promise<RequestSource> {
  const paths = pathsOf(join(folder, `source-${randomUUID()}.jsonl`));
  const { onRejected, text: firstRejection } = keepFirstRejection();
  const input = await readInput(
    {
      input: path,
      spool: null,
      paths,
      settings,
      shard,
      given: given?.filter(({ isOfRequests }) => isOfRequests) ?? [],
    },
    { host, previous: null, listeners: { onRejected } },
  );
  if (!input.isComplete()) {
    await input.close();
    throw new UsageError(`${path} was not read to the end`);
  }
  const rows = usableRows(input);
  if (rows.length === 0) {
    await input.close();
    if (shard !== null && input.scan.elsewhere.requests > 0) {
      throw new UsageError(`no request of ${path} belongs to ${shardName(shard)}`);
    }
    const hint = `See all of them with: ${validateCommand(path, given)}`;
    throw new UsageError(`${path}: no ${input.unit} is a valid request: ${firstRejection()}`, hint);
  }
  return {
    sha256: input.identity()?.sha256 ?? '',
    requests: rows.length,
    models: input.scan.models,
    write(target, size, { offset = 0, order = 'input' } = {}) {
      const picks = picksOf(input, rows, { size, offset });
      const groupOf = ({ row, turn }: Pick): string => `${turn} ${input.scan.table.group(row)}`;
      return writeLines(target, sampleLines(input, order === 'input' ? picks : inSpreadOrder(picks, groupOf)));
    },
    async close() {
      await input.close();
      await rm(paths.spool, { force: true });
    },
  };
}

function usableRows({ scan: { table } }: RunInput): number[] {
  const rows: number[] = [];
  for (let row = 0; row < table.size; row++) if (table.state(row) === rowStates.open) rows.push(row);
  return rows;
}

/** A row, and how often it came before. */
interface Pick {
  row: number;
  turn: number;
}

function picksOf({ scan: { table } }: RunInput, rows: readonly number[], { size, offset }: SampleSize): Pick[] {
  const picks: Pick[] = [];
  for (let turn = 0; picks.length < size; turn++) {
    const share = { size: Math.min(size - picks.length, rows.length), offset };
    for (const row of sampleRows(rows, (each) => table.group(each), share)) picks.push({ row, turn });
  }
  return picks;
}

const picksAtOnce = 256;

async function* sampleLines(input: RunInput, picks: readonly Pick[]): AsyncGenerator<string> {
  const { handle, scan } = input;
  for (let from = 0; from < picks.length; from += picksAtOnce) {
    const group = picks.slice(from, from + picksAtOnce);
    const rows = group.map(({ row }) => row);
    const lines = await readRows(handle, scan, rows);
    yield group.map((pick, index) => `${withId(input, pick, lines[index]!.bytes)}\n`).join('');
  }
}

/** The line with its id written out: `line-17` names another request in a sample. */
function withId({ scan }: RunInput, { row, turn }: Pick, line: Buffer): string {
  const read = scan.read(row, line);
  if (isRejected(read)) throw new Error(`line ${read.line} was a request before: ${read.reason}`);
  const record = JSON.parse(line.toString('utf8').replace(/^\uFEFF/, '')) as Record<string, unknown>;
  const id = turn === 0 ? read.id : freeId(`${read.id}~${turn + 1}`, (taken) => scan.table.find(taken) >= 0);
  const key = (record['custom_id'] ?? null) === null ? 'id' : 'custom_id';
  return JSON.stringify({ ...record, [key]: id });
}

function freeId(wanted: string, isTaken: (id: string) => boolean): string {
  let id = wanted;
  while (isTaken(id)) id += '~';
  return id;
}

/** Whole or not at all: a bench that goes on takes what is there. */
const writeLines = (path: string, pieces: AsyncIterable<string>): Promise<void> =>
  replaceFile(path, null, async (draft) => {
    for await (const piece of pieces) await draft.write(piece);
  });

export interface SampleSize {
  /** Rows; at most those that there are. */
  size: number;
  /** 0 to 1: with another offset, other rows are taken. */
  offset: number;
}

/** Rows of one group that follow each other, which are taken together or not at all. */
type Stretch = number[];

/** Minimum number of stretches for a sample that is spread over the file. */
const minStretches = 16;

/**
 * A sample that is as fast as the whole: single rows spread over the file would share less of their prompts than their
 * neighbours do, so whole groups are taken (a group is a system prompt, whose requests run one behind the other), and
 * stretches of those that are too large. Rows come in ascending order.
 */
export function sampleRows(rows: readonly number[], groupOf: (row: number) => number, wanted: SampleSize): number[] {
  const { size } = wanted;
  if (size >= rows.length) return [...rows];
  const [taken, left] = spread(stretchesOf(rows, groupOf, Math.max(1, Math.floor(size / minStretches))), wanted);
  // Only the last is cut: the sum of whole ones is a little more or less than what is wanted.
  return [...taken, ...left.toReversed()]
    .flat()
    .slice(0, size)
    .toSorted((first, second) => first - second);
}

/** Minimum number of stretches for an order of which any beginning is spread over the file. */
const spreadStretches = 64;

/** Stretches in the order of their numbers with the bits reversed: 0, 4, 2, 6, 1, 5, 3, 7. */
function inSpreadOrder<Row>(rows: readonly Row[], groupOf: (row: Row) => unknown): Row[] {
  const stretches = stretchesOf(rows, groupOf, Math.max(1, Math.floor(rows.length / spreadStretches)));
  return stretches
    .map((stretch, at) => ({ stretch, key: reversedBits(at) }))
    .toSorted((left, right) => left.key - right.key)
    .flatMap(({ stretch }) => stretch);
}

const reversedBits = (value: number): number =>
  Number.parseInt(Array.from(value.toString(2).padStart(32, '0')).toReversed().join(''), 2);

function stretchesOf<Row>(rows: readonly Row[], groupOf: (row: Row) => unknown, maxLength: number): Row[][] {
  const unfinished = new Map<unknown, Row[]>();
  const stretches: Row[][] = [];
  for (const row of rows) {
    const group = groupOf(row);
    let stretch = unfinished.get(group);
    if (stretch === undefined || stretch.length === maxLength) {
      stretch = [];
      stretches.push(stretch);
      unfinished.set(group, stretch);
    }
    stretch.push(row);
  }
  return stretches;
}

/** Takes the same share of the stretches of each length, spread evenly over the file. */
function spread(stretches: readonly Stretch[], { size, offset }: SampleSize): [taken: Stretch[], left: Stretch[]] {
  const share = size / stretches.reduce((sum, { length }) => sum + length, 0);
  const ahead = (1 - share) * (1 - offset);
  const [taken, left]: [Stretch[], Stretch[]] = [[], []];
  let owed = 0;
  for (const stretch of stretches.toSorted((first, second) => first.length - second.length)) {
    owed += share * stretch.length;
    const isDue = owed >= (1 - ahead) * stretch.length - rounding;
    if (isDue) owed -= stretch.length;
    (isDue ? taken : left).push(stretch);
  }
  return [taken, left];
}

const rounding = 1e-6;
