import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { type Notifier, createNotifier } from '../async/notifier.ts';
import { UsageError } from '../core/errors.ts';
import type { Notify } from '../core/events.ts';
import type { Fingerprint, PrefixedFingerprint } from '../files/fingerprint.ts';
import { isWanted, rowStates, type RowTable } from '../data/row-table.ts';
import type { AnswerSettings } from '../core/settings.ts';
import { type OpenedInput, openInput } from '../input/open-input.ts';
import type { InputForm } from '../input/source/look.ts';
import { printable } from '../text/printable.ts';
import { keepRandomRows } from '../input/plan-rows.ts';
import { compilePromptTemplate } from '../input/template/prompt-template.ts';
import type { LineDefaults } from '../input/read-request.ts';
import { type InputScan, type ScanOptions, createInputScan } from '../input/scan-input.ts';
import { readFailedRequests } from '../journal/failed-requests.ts';
import { pathWord } from '../text/command-line.ts';
import type { RunHost, RunRequest } from './run-request.ts';
import { type BatchRequest, type WorkItem, isRejected } from '../core/request.ts';
import { readItems } from '../input/read-items.ts';

/** The input of a run, read or being read. */
export interface RunInput {
  /** What the numbers of its lines count, as messages say. */
  readonly unit: 'line' | 'record';
  readonly form: InputForm;
  /** The header of a table; null for what is none. */
  table: OpenedInput['table'];
  readonly handle: FileHandle;
  readonly scan: InputScan;
  /**
   * Says whether the whole input was read: false while standard input is still being read, and for good when the run
   * was stopped meanwhile.
   */
  isComplete: () => boolean;
  /** Says whether nothing more will come, because all is read or the run was stopped. */
  hasEnded: () => boolean;
  /** Rings when rows were added, and at the end. */
  readonly changed: Notifier;
  /** Resolves when the whole input has been scanned, or the run was stopped. */
  readonly completed: Promise<void>;
  /** Fingerprint of the whole input; null until it is read, and for what was kept of standard input. */
  identity: () => PrefixedFingerprint | null;
  close: () => Promise<void>;
}

export type InputRequest = Pick<RunRequest, 'input' | 'spool' | 'settings' | 'shard' | 'failedOf' | 'paths' | 'given'>;

export interface ReadInputOptions {
  host: Pick<RunHost, 'stdin' | 'stop'> & Partial<Pick<RunHost, 'notify'>>;
  /** Standard input need not be read to its end first. Where results are there already, their rows must be known. */
  mayStream?: boolean;
  /** Fingerprint of the input in an earlier session. */
  previous: Fingerprint | null;
  /** The first two are called once for each line, in order. */
  listeners?: Pick<ScanOptions, 'onRejected' | 'onRequest' | 'onChanged'>;
}

/**
 * Opens the input and scans it: a file to its end before the first request, standard input while the run goes on,
 * unless its form or a setting needs to know all of it first. Throws where it has no row.
 */
export async function readInput(request: InputRequest, options: ReadInputOptions): Promise<RunInput> {
  const { input, scan, unit, template } = await openScan(request, options);
  const { stop } = options.host;
  const changed = createNotifier();
  const state = { isComplete: false, hasEnded: false, identity: null as PrefixedFingerprint | null };
  const scanAll = async (): Promise<void> => {
    for await (const rows of input.scanInto(scan)) {
      if (rows > 0) changed.notify();
      if (stop.aborted) return;
    }
    if (stop.aborted) return;
    const { sample } = request.settings;
    if (sample !== null) keepRandomRows(scan.table, sample, sampleSeed);
    if (request.spool === null) state.identity = input.identity();
    state.isComplete = true;
  };
  const completed = untilStopped(scanAll(), stop).finally(() => {
    state.hasEnded = true;
    changed.notify();
  });
  const isStreamed = options.mayStream === true && input.mayStream && needsNoEnd(request);
  try {
    await (isStreamed ? firstRow({ completed, changed, scan }) : completed);
    if (state.isComplete) checkWhole(request, scan, options.previous === null);
    if (state.isComplete) template?.checkUse();
  } catch (error) {
    await input.close();
    throw error;
  }
  return {
    unit: unit ?? 'line',
    form: input.form,
    table: input.table,
    handle: input.handle,
    scan,
    isComplete: () => state.isComplete,
    hasEnded: () => state.hasEnded,
    changed,
    completed,
    identity: () => state.identity,
    close: input.close,
  };
}

/** Opens an input, and makes the scan that its lines go to with the flags of the run: what is read of it is left to the caller. */
export async function openScan(request: InputRequest, options: ReadInputOptions) {
  const { input: path, spool, settings, shard = null, failedOf = null, paths, given } = request;
  const { host, previous, listeners } = options;
  const defaults = await lineDefaults(settings, host.notify ?? (() => undefined));
  const { stdin, stop } = host;
  const reading = { reading: settings, spoolPath: paths.spool, previous, given };
  const input = await openInput({ path, kept: spool, stdin, stop, ...reading });
  const { form } = input;
  const unit: 'record' | undefined = countsRecords.has(form) ? 'record' : undefined;
  const only = failedOf === null ? null : (await readFailedRequests(failedOf)).has;
  const scan = createInputScan({ defaults, limit: settings.limit, shard, only, form, unit, ...listeners });
  return { input, scan, unit, template: defaults.template };
}

/** Forms whose lines do not count their records. */
const countsRecords: ReadonlySet<InputForm> = new Set(['array', 'objects', 'parquet']);

/** Refuses an input without a row. Of a run that goes on, what failed elsewhere may have been answered there since. */
function checkWhole({ input, failedOf = null }: InputRequest, { table, counts }: InputScan, isNew: boolean): void {
  if (table.size === 0) throw hasNoRequests(input);
  if (failedOf === null || !isNew || counts.requests + counts.rejected > 0) return;
  throw new UsageError(
    `no request of ${printable(input)} failed in ${pathWord(failedOf)}`,
    'Requests are found by their ids. Name the input of that run.',
  );
}

const hasNoRequests = (input: string): UsageError =>
  new UsageError(`${input === '-' ? 'standard input' : printable(input)} has no requests`);

/** Requests of standard input start before it ends, unless a setting needs to know all of them first. */
const needsNoEnd = ({ settings }: InputRequest): boolean =>
  settings.sample === null && settings.mode !== 'conversation';

/** Resolves when there is a first row, or when there is none: of an input that is still being read. */
async function firstRow({ completed, changed, scan }: Pick<RunInput, 'completed' | 'changed' | 'scan'>): Promise<void> {
  completed.catch(() => undefined);
  const state = { hasEnded: false };
  const ended = completed.finally(() => (state.hasEnded = true));
  while (scan.table.size === 0 && !state.hasEnded) await Promise.race([changed.next(), ended]);
}

/** Waits for the work, or for the stop: a line of standard input may never come. */
async function untilStopped(work: Promise<void>, stop: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const stopped = stop.aborted ? null : once(stop, 'abort', { signal: settled.signal }).catch(() => undefined);
  await Promise.race([work, stopped]).finally(() => settled.abort());
}

/** Requests and rejected lines that the run is to give a result. */
export function countWanted({ scan: { table } }: RunInput): number {
  let count = 0;
  for (let row = 0; row < table.size; row++) count += Number(isWanted(table.state(row)));
  return count;
}

/** Bytes of the lines that have no result yet. */
export function bytesToDo({ scan: { table } }: RunInput): number {
  let bytes = 0;
  for (let row = 0; row < table.size; row++) if (table.state(row) === rowStates.open) bytes += table.length(row);
  return bytes;
}

/** Counts of requests that share a system prompt, by which the mode is chosen. */
export interface PromptGroups {
  requests: number;
  groups: number;
  /** Number of requests in the largest group. */
  largest: number;
  /** Length of the largest group's system prompt, in characters. */
  systemPromptLength: number;
  /** Says whether the groups are known: those of standard input are not before its end. */
  isComplete: boolean;
}

export function groupsOf({ scan, isComplete }: RunInput): PromptGroups {
  const [largest] = scan.groups.toSorted((left, right) => right.requests - left.requests);
  return {
    requests: scan.counts.requests,
    groups: scan.groups.length,
    largest: largest?.requests ?? 0,
    systemPromptLength: largest?.systemPromptLength ?? 0,
    isComplete: isComplete(),
  };
}

/** Fixed, so that a resume takes the same sample. */
const sampleSeed = 1;

async function lineDefaults(settings: AnswerSettings, notify: Notify): Promise<LineDefaults> {
  const { schema, parameters, promptTemplate, allowEmptyFields: allowsEmpty } = settings;
  const note = (text: string): void => notify({ topic: 'template', text });
  if (schema !== null && 'response_format' in parameters) throw new UsageError('both --schema and a response_format');
  const format = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
  return {
    idField: settings.idField,
    model: settings.model,
    system: settings.system,
    template: promptTemplate === null ? null : await compilePromptTemplate(promptTemplate, { allowsEmpty, note }),
    parameters: schema === null ? parameters : { ...parameters, response_format: format },
  };
}

/**
 * The items of an input that is still being read: rejected lines and the requests of one model, as they come. Requests
 * of other models are left for later, when the input has ended.
 */
export async function* followItems(input: RunInput, model: string | null): AsyncGenerator<WorkItem[]> {
  const { handle, scan } = input;
  let next = 0;
  for (;;) {
    const hasEnded = input.hasEnded();
    const end = scan.table.size;
    if (end > next) {
      yield* readItems(handle, scan, wantedRows(input, { from: next, to: end, model }));
      next = end;
    } else if (hasEnded) {
      await input.completed;
      return;
    } else {
      await input.changed.next();
    }
  }
}

/** Resolves when the first request of the input is there, or when it has none, or when the run was stopped. */
export async function firstModel(input: RunInput): Promise<string | null> {
  while (input.scan.models.length === 0 && !input.hasEnded()) await input.changed.next();
  if (input.hasEnded()) await input.completed;
  return input.scan.models[0] ?? null;
}

/** Reads the requests of some rows, without the rejected lines among them. */
export async function readRequests({ handle, scan }: RunInput, rows: Iterable<number>): Promise<BatchRequest[]> {
  const requests: BatchRequest[] = [];
  for await (const items of readItems(handle, scan, rows)) {
    for (const { read } of items) if (!isRejected(read)) requests.push(read);
  }
  return requests;
}

function* wantedRows(
  { scan }: RunInput,
  { from, to, model }: { from: number; to: number; model: string | null },
): Generator<number> {
  for (let row = from; row < to; row++) {
    const isRejection = isOpenRejection(scan.table, row);
    const isRequest = scan.table.state(row) === rowStates.open && scan.groups[scan.table.group(row)]?.model === model;
    if (isRejection || isRequest) yield row;
  }
}

const isOpenRejection = (table: RowTable, row: number): boolean =>
  table.state(row) === rowStates.rejected && table.resultOffset(row) < 0;
