import { formatCounted, formatDuration, formatInteger, formatPercent } from '../../../text/format.ts';
import { printable } from '../../../text/printable.ts';
import type { Batch } from './api.ts';

const overStates = new Set(['completed', 'failed', 'expired', 'cancelled']);

export const isBatchOver = ({ status }: Batch): boolean => overStates.has(status);

/** The state of a batch in a word or three: `running`, `paused`, `waiting, 2nd`, `completed`. */
export function stateText({ status, llmbatch: { state, position } }: Batch): string {
  if (status !== 'in_progress') return status;
  return state === 'waiting' && position !== null ? `waiting, number ${position}` : state;
}

/** How much of a batch is done: `7,012 of 170,000 done (4.1%), 12 failed`. Empty where nobody knows what there is to do. */
export function countsText(batch: Batch): string {
  const { total, done, failed } = countsOf(batch);
  if (total === null || total === 0) return '';
  const isWhole = done === total || (done === 0 && batch.llmbatch.state !== 'running');
  const amount = isWhole
    ? formatCounted(total, 'request')
    : `${formatInteger(done)} of ${formatInteger(total)} done (${formatPercent(done / total)})`;
  return failed > 0 ? `${amount}, ${formatInteger(failed)} failed` : amount;
}

/** Requests of a batch: from the run that goes on, else as the batch keeps them. The total is null while it is not known. */
export function countsOf({ status, request_counts: kept, llmbatch: { progress } }: Batch): {
  total: number | null;
  done: number;
  failed: number;
} {
  if (progress !== null && status === 'in_progress') return progress;
  if (status === 'validating' || kept === undefined || kept === null) return { total: null, done: 0, failed: 0 };
  return { total: kept.total, done: kept.completed + kept.failed, failed: kept.failed };
}

/** When a batch came, or when it ended and how long it took: `ended 14:03, took 12m 05s`. */
export function timesText(batch: Batch): string {
  const endedAt = endOf(batch);
  if (endedAt === null) return `submitted ${clockText(batch.created_at)}`;
  const startedAt = batch.in_progress_at ?? batch.created_at;
  // Times are whole seconds.
  const took = endedAt > startedAt ? formatDuration((endedAt - startedAt) * 1000) : 'less than 1 s';
  return `ended ${clockText(endedAt)}, took ${took}`;
}

const endOf = (batch: Batch): number | null =>
  batch.completed_at ?? batch.failed_at ?? batch.expired_at ?? batch.cancelled_at ?? null;

/** A time of the last day as the clock shows it, an earlier one with its date. `seconds` since 1970. */
export function clockText(seconds: number): string {
  const time = new Date(seconds * 1000);
  const isToday = time.toDateString() === new Date().toDateString();
  const clock = time.toLocaleTimeString('sv-SE', { hour: '2-digit', minute: '2-digit' });
  return isToday ? clock : `${time.toLocaleDateString('sv-SE')} ${clock}`;
}

/** Characters of a value of the metadata that are shown. */
const maxValue = 80;

/** What tells a batch from others beside its name: model, id, metadata. */
export const detailsText = ({ id, model, endpoint, metadata }: Batch): string =>
  [
    ...(model ? [model] : []),
    id,
    ...(endpoint === '/v1/chat/completions' ? [] : [endpoint]),
    ...Object.entries(metadata ?? {}).map(([key, value]) => `${key}: ${printable(value, maxValue)}`),
  ].join(' · ');

/** Why a batch does not go on, as sentences; empty where it does. */
export function troubleText({ llmbatch: { paused, problem } }: Batch): string {
  const sentences = [
    ...(paused === null ? [] : [`Paused by ${paused.by} since ${clockText(Date.parse(paused.since) / 1000)}.`]),
    ...(problem === null ? [] : [problem]),
  ];
  return sentences.join(' ');
}
