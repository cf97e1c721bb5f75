import { opaqueKeys } from '../../core/settings.ts';
import { UsageError } from '../../core/errors.ts';
import { snapshotFromWire, snapshotToWire } from '../../core/snapshot.ts';
import { camelKeys, snakeKeys } from '../../text/snake-keys.ts';
import type { BenchRecord, EndRecord, PlanRecord, TrialRecord, TrialResult, TrialSpec, Window } from './records.ts';

/** Version of the lines of `trials.jsonl` and of `environment.json` that are written. */
export const schemaVersion = 2;

type Wire = Record<string, unknown> & { type: string };

/** A record as it lies on disk: in snake_case, the results of a trial as columns. */
export function toWire(record: BenchRecord): object {
  const head = { type: record.type, schema_version: schemaVersion };
  if (record.type !== 'trial') return { ...head, ...(snakeKeys(record, opaqueKeys) as object) };
  const { results, machine, windows, ...rest } = record;
  const raw = { results: columnsOf(results), machine: snakeKeys(machine) };
  return { ...head, ...trialToWire(rest), ...(windows === null ? raw : { windows: snakeKeys(windows) }) };
}

/** A trial without its raw numbers, in snake_case. */
export function trialToWire(trial: Omit<TrialRecord, 'results' | 'machine' | 'windows'>): object {
  const { first20Rate, summary, ...record } = trial;
  return {
    ...(snakeKeys(record, opaqueKeys) as object),
    first_20_rate: first20Rate,
    summary: snapshotToWire(summary),
  };
}

/** The record or records of a line. Throws UsageError where a newer version wrote it. */
export function fromWire(line: Wire): BenchRecord[] {
  const version = Number(line['schema_version'] ?? 1);
  if (version > schemaVersion)
    throw new UsageError(`the bench was written by a newer llmbatch (format ${version})`, 'Update llmbatch.');
  if (line.type === 'trial') return [trialFromWire(line)];
  const record = camelKeys(line, opaqueKeys) as BenchRecord & { leftOut?: unknown };
  return record.type === 'plan' && version === 1 ? planOfVersion1(record as PlanOfVersion1) : [record];
}

interface PlanOfVersion1 extends PlanRecord {
  /** Trials that the budget had no time for. Version 1 then wrote the plan again without them. */
  leftOut: TrialSpec[];
}

function planOfVersion1({ leftOut, ...plan }: PlanOfVersion1): (PlanRecord | EndRecord)[] {
  const end: EndRecord[] = leftOut.length === 0 ? [] : [{ type: 'end', leftOut: leftOut.map(({ number }) => number) }];
  return [{ ...plan, trials: [...plan.trials, ...leftOut] }, ...end];
}

interface KeptTrial extends Omit<TrialRecord, 'results' | 'windows' | 'first20Rate'> {
  windows?: (Window & { gpu: { clockMost?: number | null } | null })[];
}

/** Version 1 kept windows, version 2 keeps what they are made of. */
function trialFromWire({ results, first_20_rate: first20Rate, ...line }: Wire): TrialRecord {
  const { windows, ...kept } = camelKeys(line, opaqueKeys) as KeptTrial;
  return {
    ...kept,
    server: kept.server ?? null,
    summary: snapshotFromWire(kept.summary),
    first20Rate: (first20Rate ?? null) as number | null,
    machine: kept.machine ?? [],
    results: results === undefined ? [] : rowsOf(results),
    windows: windows?.map((window) => ({ ...window, gpu: gpuOf(window.gpu) })) ?? null,
  };
}

const gpuOf = (gpu: (Window['gpu'] & { clockMost?: number | null }) | null): Window['gpu'] =>
  gpu && { ...gpu, maxClock: gpu.maxClock ?? gpu.clockMost ?? null };

/** The results of a trial, a list for each measure: a tenth of the bytes that a list of objects takes. */
type Columns = { [Name in keyof TrialResult]: TrialResult[Name][] };

/** Measures of a result that version 2 keeps. */
const columnNames: readonly (keyof TrialResult)[] = [
  ...(['endedAt', 'latencyMs', 'queueMs', 'ttftMs', 'error'] as const),
  ...(['promptTokens', 'completionTokens', 'cachedTokens', 'answeredPromptTokens'] as const),
];

const columnsOf = (results: readonly TrialResult[]): unknown =>
  snakeKeys(Object.fromEntries(columnNames.map((name) => [name, results.map((result) => rounded(result[name]))])));

/** Rounds a time to microseconds, which is all that it can mean. */
const rounded = (value: TrialResult[keyof TrialResult]): typeof value =>
  typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;

function rowsOf(kept: unknown): TrialResult[] {
  const columns = camelKeys(kept) as Columns;
  const rowAt = (at: number): unknown =>
    Object.fromEntries(columnNames.map((name) => [name, columns[name]?.[at] ?? null]));
  return columns.endedAt.map((_endedAt, at) => rowAt(at) as TrialResult);
}
