import { readFile } from 'node:fs/promises';
import { UsageError } from '../../core/errors.ts';
import { openOutput } from '../../journal/open-output.ts';
import { writeGroup } from '../../files/write-group.ts';
import type { BenchRecord, PlanRecord, TrialRecord, TrialSpec } from './records.ts';
import { fromWire, toWire } from './trials-wire.ts';

/** `trials.jsonl`, open for more. */
export interface TrialsFile {
  /** All records in the file. */
  records: BenchRecord[];
  /** Adds a record, which is on disk when it resolves. */
  append: (record: BenchRecord) => Promise<void>;
  close: () => Promise<void>;
}

/** Opens it, new or with what a stopped bench left; a torn last line is cut off. Throws JournalError where it can't be written. */
export async function openTrials(path: string): Promise<TrialsFile> {
  const { handle, size: sizeBefore } = await openOutput(path);
  const records = parseRecords(await readFile(path, 'utf8'));
  let size = sizeBefore;
  return {
    records,
    async append(record) {
      const bytes = Buffer.from(`${JSON.stringify(toWire(record))}\n`);
      await writeGroup({ path, handle, fsync: true }, bytes, size);
      size += bytes.length;
      records.push(record);
    },
    close: () => handle.close(),
  };
}

/** The records of a bench, whether it runs or not. Throws UsageError where there is none. */
export async function readTrials(path: string): Promise<BenchRecord[]> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UsageError(
      `there is no bench here: ${path} does not exist`,
      'Start a bench with: llmbatch bench [input]',
    );
  });
  return parseRecords(text.slice(0, text.lastIndexOf('\n') + 1));
}

const parseRecords = (text: string): BenchRecord[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => fromWire(JSON.parse(line) as Parameters<typeof fromWire>[0]));

/** The plan of a bench; null where it was stopped before it had one. */
export const planOf = (records: readonly BenchRecord[]): PlanRecord | null =>
  records.findLast((record) => record.type === 'plan') ?? null;

/** Trials in the order of execution; of one that was run again, the last. */
export function trialsOf(records: readonly BenchRecord[]): TrialRecord[] {
  const trials = records.filter((record) => record.type === 'trial');
  const byNumber = new Map(trials.map((trial) => [trial.spec.number, trial]));
  return [...byNumber.values()].toSorted((left, right) => left.spec.number - right.spec.number);
}

/** Trials that the budget had no time for. */
export function leftOutOf(records: readonly BenchRecord[]): TrialSpec[] {
  const numbers = records.flatMap((record) => (record.type === 'end' ? record.leftOut : []));
  return planOf(records)?.trials.filter(({ number }) => numbers.includes(number)) ?? [];
}

/** Numbers of the trials that need not be run again: not those that failed, nor batches whose loaded model is gone. */
export function doneOf({ trials: specs }: PlanRecord, records: readonly BenchRecord[]): Set<number> {
  const finished = trialsOf(records).filter(({ state }) => state === 'finished');
  const numbers = new Set([...finished.map(({ spec }) => spec), ...leftOutOf(records)].map(({ number }) => number));
  const broken = specs.filter(({ batch, number }) => batch !== null && !numbers.has(number)).map(batchesKey);
  for (const spec of specs) if (spec.batch !== null && broken.includes(batchesKey(spec))) numbers.delete(spec.number);
  return numbers;
}

const batchesKey = ({ number: _number, batch: _batch, ...point }: TrialSpec): string => JSON.stringify(point);
