import { formatCounted, formatDuration, formatPercent, formatRate } from '../../../text/format.ts';
import { slotSetting } from '../slot-setting.ts';
import { workersOf } from '../trial-groups.ts';
import type { Trial } from '../analysis.ts';
import { type Evidence, type FindVerdict, meanTime, usualRate, usualWindows } from './evidence.ts';

/**
 * Share of its latency that a request must wait to be told. With one worker more than there are slots, as is good, it waits
 * one part in slots + 1. These limits are tuned on the planted causes of test/bench.
 */
const minQueueShare = 0.25;
/** Factors below which a rate, and a service time, count as unchanged by more workers. */
const steadyShare = 1.1;
const steadyService = 1.25;
/** Share of the latency below which a service time can't be told from the wait that it is subtracted from. */
const minService = 0.1;

/** The server's slots are full, and more requests only wait for them. */
export const findSerialised: FindVerdict = (evidence) => bySlots(evidence) ?? byPeer(evidence);

/** The server told its slots and how long requests waited. */
function bySlots(evidence: Evidence): ReturnType<FindVerdict> {
  const { slots } = evidence.record;
  const workers = workersOf(evidence.record);
  const { queue, latency } = timesOf(evidence);
  if (slots === null || workers === null || workers <= slots || queue === null || latency === null) return null;
  if (queue < minQueueShare * latency) return null;
  const text = `The server works on ${formatCounted(slots, 'request')} at once, but there are ${workers} workers. Of its ${formatDuration(latency)}, a request waits ${formatDuration(queue)} (${formatPercent(queue / latency)}).`;
  return { cause: 'serialised', text: `${text} ${advice(evidence, slots)}` };
}

/** A trial with fewer workers was as fast: what came with more of them is waiting. The time to the first token holds it too. */
function byPeer(evidence: Evidence): ReturnType<FindVerdict> {
  const workers = workersOf(evidence.record);
  const peer = minWorkers(evidence.peers);
  const fewer = peer === null ? null : workersOf(peer.record);
  if (workers === null || peer === null || fewer === null || fewer >= workers) return null;
  const [before, now] = [splitOf(peer), splitOf(evidence)];
  if (before === null || now === null || !onlyWaits(before, now)) return null;
  if (usualRate(evidence) > steadyShare * usualRate(peer)) return null;
  const text = `${workers} workers get ${formatRate(usualRate(evidence))} req/s, and ${fewer} get ${formatRate(usualRate(peer))}: requests ${waitText(now)} instead of ${formatDuration(before.waitMs)}, and are then served in ${formatDuration(now.serviceMs)} as before (${formatDuration(before.serviceMs)}).`;
  return { cause: 'serialised', text: `${text} ${peerAdvice(evidence, now, fewer)}` };
}

/** Little's law tells how many are being worked on. The time to the first token does not: it holds the prompt's computing. */
function peerAdvice(evidence: Evidence, { isQueue, serviceMs }: Split, fewer: number): string {
  if (!isQueue || evidence.record.servers !== undefined) return `--workers ${fewer} is as fast.`;
  const slots = Math.max(1, Math.round((usualRate(evidence) * serviceMs) / 1000));
  return `The server works on about ${formatCounted(slots, 'request')} at once. ${advice(evidence, slots)}`;
}

interface Split {
  /** The wait is the queue time; else it is the time to the first token, which holds it. */
  isQueue: boolean;
  waitMs: number;
  serviceMs: number;
}

function onlyWaits(before: Split, now: Split): boolean {
  const latencyGrowth = now.waitMs + now.serviceMs - before.waitMs - before.serviceMs;
  return (
    before.isQueue === now.isQueue &&
    before.serviceMs >= minService * (before.waitMs + before.serviceMs) &&
    now.serviceMs <= steadyService * before.serviceMs &&
    now.waitMs - before.waitMs >= 0.5 * latencyGrowth &&
    now.waitMs >= minQueueShare * (now.waitMs + now.serviceMs)
  );
}

const waitText = ({ isQueue, waitMs }: Split): string =>
  isQueue ? `wait ${formatDuration(waitMs)}` : `take ${formatDuration(waitMs)} to the first token`;

function splitOf(trial: Trial): Split | null {
  const { latency, queue, ttft } = timesOf(trial);
  const waitMs = queue ?? ttft;
  return latency === null || waitMs === null ? null : { isQueue: queue !== null, waitMs, serviceMs: latency - waitMs };
}

function timesOf(trial: Trial): Record<'latency' | 'queue' | 'ttft', number | null> {
  const windows = usualWindows(trial);
  return {
    latency: meanTime(windows, 'latencyMs'),
    queue: meanTime(windows, 'queueMs'),
    ttft: meanTime(windows, 'ttftMs'),
  };
}

function minWorkers(trials: readonly Trial[]): Trial | null {
  const known = trials.filter(({ record }) => workersOf(record) !== null);
  return known.toSorted((left, right) => (workersOf(left.record) ?? 0) - (workersOf(right.record) ?? 0))[0] ?? null;
}

function advice({ record, backends }: Evidence, slots: number): string {
  const setting = slotSetting(backends, record.spec.backend, Math.max(2 * slots, workersOf(record) ?? 0));
  const fewer = `--workers ${slots + 1} is as fast`;
  return setting === null ? `${fewer}.` : `More at once: ${setting}. Without that, ${fewer}.`;
}
