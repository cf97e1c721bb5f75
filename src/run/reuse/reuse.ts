import { type FileHandle, open } from 'node:fs/promises';
import type { BackendDefinition } from '../../core/backend.ts';
import { type BatchRequest, type WorkItem, isRejected } from '../../core/request.ts';
import { type ResultLine, parseResultLine } from '../../core/result-line.ts';
import { type GrowableArray, uint32Column } from '../../data/growable-array.ts';
import { createIdIndex } from '../../data/id-index.ts';
import { type RowTable, rowStates } from '../../data/row-table.ts';
import { readRanges } from '../../files/read-ranges.ts';
import { readItems } from '../../input/read-items.ts';
import type { Journal } from '../../journal/open-journal.ts';
import { type AnswerSource, createRequestHash } from '../../journal/request-hash.ts';
import { countWanted } from '../read-input.ts';
import type { Run } from '../run.ts';
import { isMeantToRepeat } from '../repeats.ts';
import { reusedResult } from './reused-result.ts';
import type { ReuseSources } from './reuse-sources.ts';

/** Gives requests the results of identical ones instead of sending them. */
export interface Reuse {
  /**
   * Records the results of those of the rows that an earlier output answers, and sets those aside that are copies of
   * another row. Returns the rows that are to be sent.
   */
  take: (rows: Uint32Array, answering: Answering) => Promise<Uint32Array>;
  /** Records the results of the copies whose first request has one by now, be it an answer or a failure. */
  copy: () => Promise<void>;
}

/** Who is to answer the rows of one model. */
export interface Answering {
  definition: BackendDefinition;
  source: Omit<AnswerSource, 'settings'>;
}

/** What both steps share: the hash of the model in turn, and for each copy the row that it is a copy of. */
interface State {
  hashOf: (request: BatchRequest) => string | null;
  readonly first: GrowableArray;
}

export function createReuse(run: Run, journal: Journal, sources: ReuseSources): Reuse {
  const state: State = { hashOf: () => null, first: uint32Column() };
  run.emit({ type: 'total-change', total: countWanted(run.input) });
  return {
    take: (rows, answering) => takeRows(run, journal, { ...answering, sources, state, rows }),
    async copy() {
      run.emit({ type: 'copies-change', copies: 0 });
      const handle = await open(run.request.paths.output, 'r');
      try {
        await copyResults(run, journal, { handle, state });
      } finally {
        await handle.close();
      }
    },
  };
}

async function takeRows(run: Run, journal: Journal, taking: Answering & Taking): Promise<Uint32Array> {
  const { input, request, stop, emit } = run;
  const { definition, source, sources, state, rows } = taking;
  state.hashOf = createRequestHash({ ...source, settings: request.settings });
  const counts = { requests: rows.length, reused: 0, copies: 0 };
  const takeRow = createTake(run, journal, taking);
  for await (const items of readItems(input.handle, input.scan, rows)) {
    if (stop.aborted) break;
    for (const item of items) {
      const became = await takeRow(item);
      if (became !== null) counts[became]++;
    }
  }
  await journal.flush();
  emit({ type: 'copies-change', copies: counts.copies });
  sources.tell({ ...counts, isModelKnown: source.digest !== null || definition.isSimulated === true });
  return rows.filter((row) => input.scan.table.state(row) === rowStates.open);
}

interface Taking {
  sources: ReuseSources;
  state: State;
  rows: Uint32Array;
}

/** Returns what says of a row what becomes of it; null: it is sent. */
function createTake(
  { input, request, manifest }: Run,
  journal: Journal,
  { definition, sources, state }: Answering & Taking,
): (item: WorkItem) => Promise<'reused' | 'copies' | null> {
  const { table } = input.scan;
  const match = createMatch({ definition, sources, dedupe: request.runner.dedupe }, state.hashOf);
  return async (item) => {
    const found = await match(item);
    if (found === null) return null;
    const { row } = item;
    if ('earlier' in found) {
      await journal.record(row, reusedResult(found.earlier, found.read, manifest.runId), found.read.rowJson);
      return 'reused';
    }
    table.setState(row, rowStates.copy);
    state.first.set(row, found.copyOf);
    return 'copies';
  };
}

interface Matching {
  definition: BackendDefinition;
  sources: Pick<ReuseSources, 'find'>;
  dedupe: boolean;
}

/** What makes the sending of a request needless: a result of an earlier output, or the row that it is a copy of. */
type Match = { earlier: ResultLine; read: BatchRequest } | { copyOf: number };

/** Returns what finds the match of each request of one model, in turn; null: it is to be sent. */
export function createMatch(
  { definition, sources, dedupe }: Matching,
  hashOf: State['hashOf'],
): (item: WorkItem) => Promise<Match | null> {
  const seen = createIdIndex();
  return async ({ row, read }) => {
    if (isRejected(read) || !isMeantToRepeat(read, definition)) return null;
    const hash = hashOf(read);
    if (hash === null) return null;
    const earlier = await sources.find(hash);
    if (earlier !== null) return { earlier, read };
    return !dedupe || seen.claim(hash, row) ? null : { copyOf: seen.find(hash) };
  };
}

async function copyResults(
  { input, manifest }: Run,
  journal: Journal,
  { handle, state: { hashOf, first } }: { handle: FileHandle; state: State },
): Promise<void> {
  const { table } = input.scan;
  await journal.flush();
  for await (const items of readItems(input.handle, input.scan, copiesWithResult(table, first))) {
    for (const { row, read } of items) {
      const place = { offset: table.resultOffset(first.get(row)), length: table.resultLength(first.get(row)) };
      const [bytes] = await readRanges(handle, [place]);
      const line = parseResultLine(bytes!.toString('utf8'));
      // Of two hashes only a part was compared until now. A row of another one is left to a resume.
      if (isRejected(read) || line?.llmbatch.request_hash !== hashOf(read)) continue;
      await journal.record(row, reusedResult(line, read, manifest.runId), read.rowJson);
    }
  }
  await journal.flush();
}

function* copiesWithResult(table: RowTable, first: GrowableArray): Generator<number> {
  for (let row = 0; row < table.size; row++) {
    if (table.state(row) === rowStates.copy && table.state(first.get(row)) !== rowStates.open) yield row;
  }
}
