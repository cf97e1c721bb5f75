import type { ServerResponse } from 'node:http';
import { snakeKeys } from '../../text/snake-keys.ts';
import { clientOf } from '../http/client-of.ts';
import type { Route } from '../http/route.ts';
import { sendJson } from '../http/send.ts';
import type { BatchQueue, QueueState } from '../queue/batch-queue.ts';
import { type BatchRecord, isOver } from '../store/batch-record.ts';
import type { BatchStore } from '../store/store.ts';

interface QueueDeps {
  queue: Pick<BatchQueue, 'state' | 'pause' | 'resume'>;
  batches: Pick<BatchStore, 'list'>;
  /** A batch as clients get it. */
  describe: (record: BatchRecord) => object;
}

/** Batches that `GET /v1/queue` holds: as many as a page shows at a glance. */
const maxShown = 50;

/**
 * `GET /v1/queue`: what runs, what waits, who paused all, and why nothing runs; `data` has the first 50 batches that go on, in the
 * order in which they are run, and `total` says how many there are. `POST /v1/queue/pause` and `/resume`: all batches; both answer
 * with the queue.
 */
export function queueRoutes({ queue, batches, describe }: QueueDeps): Route[] {
  const send = (response: ServerResponse): void => {
    const state = queue.state();
    const ongoing = inTurn(batches.list(), state);
    const data = ongoing.slice(0, maxShown).map(describe);
    sendJson(response, 200, { object: 'queue', ...(snakeKeys(state) as object), total: ongoing.length, data });
  };
  const change = (does: 'pause' | 'resume'): Route => ({
    method: 'POST',
    path: `/v1/queue/${does}`,
    async handle({ message }, response) {
      await queue[does](null, clientOf(message));
      send(response);
    },
  });
  return [
    { method: 'GET', path: '/v1/queue', handle: async (_request, response) => send(response) },
    change('pause'),
    change('resume'),
  ];
}

/** The batches that go on: what runs, what is at its end, what waits in its order, and what is paused or being validated. */
function inTurn(batches: readonly BatchRecord[], { running, waiting }: QueueState): BatchRecord[] {
  const turns = new Map([running, ...waiting].map((id, turn) => [id, turn]));
  const turnOf = ({ id, status }: BatchRecord): number =>
    turns.get(id) ?? (status === 'finalizing' || status === 'cancelling' ? 0.5 : Infinity);
  // Infinity less itself is no number, which is no order: equal turns stay as they are.
  return batches.filter((batch) => !isOver(batch)).toSorted((one, other) => turnOf(one) - turnOf(other) || 0);
}
