import type { BatchRecord, BatchTimes } from '../store/batch-record.ts';
import type { QueueContext } from './queue-context.ts';

const timeOf = {
  failed: 'failedAt',
  in_progress: 'inProgressAt',
  finalizing: 'finalizingAt',
  completed: 'completedAt',
  expired: 'expiredAt',
  cancelling: 'cancellingAt',
  cancelled: 'cancelledAt',
} as const satisfies Partial<Record<BatchRecord['status'], keyof BatchTimes>>;

/** The changes that bring a batch into a state, with the time when it came there. */
export const into = (
  { now }: Pick<QueueContext, 'now'>,
  { times }: BatchRecord,
  status: keyof typeof timeOf,
): Pick<BatchRecord, 'status' | 'times'> => ({
  status,
  times: { ...times, [timeOf[status]]: Math.floor(now() / 1000) },
});
