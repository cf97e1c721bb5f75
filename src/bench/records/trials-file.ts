import { readFile } from 'node:fs/promises';
import { UsageError } from '../../core/errors.ts';
import { snapshotFromWire, snapshotToWire } from '../../core/snapshot.ts';
import { openOutput } from '../../journal/open-output.ts';
import { writeGroup } from '../../files/write-group.ts';
import type { BenchRecord, PlanRecord, TrialRecord, TrialSpec } from './records.ts';

/** `trials.jsonl`, open for more. */
export interface TrialsFile {
  /** All that it holds. */
  records: BenchRecord[];
  /** The record is on disk when it resolves. */
  append: (record: BenchRecord) => Promise<void>;
  close: () => Promise<void>;
}

/** Opens it, new or with what a stopped bench left; a torn last line is cut off. */
export async function openTrials(path: string): Promise<TrialsFile> {
  const { handle, size: sizeBefore } = await openOutput(path);
  const records = parseRecords(await readFile(path, 'utf8'));
  let size = sizeBefore;
  return {
    records,
    async append(record) {
      const bytes = Buffer.from(`${JSON.stringify(recordToWire(record))}\n`);
      await writeGroup({ path, handle, fsync: true }, bytes, size);
      size += bytes.length;
      records.push(record);
    },
    close: () => handle.close(),
  };
}

/** The records of a bench, whether it runs or not. */
export async function readTrials(path: string): Promise<BenchRecord[]> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UsageError(`there is no bench: no ${path}`, 'Start one with: llmbatch bench [input]');
  });
  return parseRecords(text.slice(0, text.lastIndexOf('\n') + 1));
}

const parseRecords = (text: string): BenchRecord[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => recordFromWire(JSON.parse(line) as BenchRecord));

const recordToWire = (record: BenchRecord): object =>
  record.type === 'trial' ? { ...record, summary: snapshotToWire(record.summary) } : record;

const recordFromWire = (record: BenchRecord): BenchRecord =>
  record.type === 'trial' ? { ...record, summary: snapshotFromWire(record.summary) } : record;

/** The last one holds: where the budget left trials out, the plan comes again without them. */
export const planOf = (records: readonly BenchRecord[]): PlanRecord | null =>
  records.findLast((record) => record.type === 'plan') ?? null;

/** In the order of execution; of one that was run again, the last. */
export function trialsOf(records: readonly BenchRecord[]): TrialRecord[] {
  const trials = records.filter((record) => record.type === 'trial');
  const byNumber = new Map(trials.map((trial) => [trial.spec.number, trial]));
  return [...byNumber.values()].toSorted((left, right) => left.spec.number - right.spec.number);
}

/** Numbers of the trials that need not be run again: not those that failed, nor batches whose loaded model is gone. */
export function doneOf({ trials: specs }: PlanRecord, records: readonly BenchRecord[]): Set<number> {
  const finished = trialsOf(records).filter(({ state }) => state === 'finished');
  const numbers = new Set(finished.map(({ spec }) => spec.number));
  const broken = specs.filter(({ batch, number }) => batch !== null && !numbers.has(number)).map(batchesKey);
  for (const spec of specs) if (spec.batch !== null && broken.includes(batchesKey(spec))) numbers.delete(spec.number);
  return numbers;
}

const batchesKey = ({ number: _number, batch: _batch, ...point }: TrialSpec): string => JSON.stringify(point);
