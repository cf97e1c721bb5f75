import type { Notice, Notify } from '../../core/events.ts';
import type { QueueContext } from './queue-context.ts';

/** One line for whoever started the server. */
export const tellBatch = ({ options }: Pick<QueueContext, 'options'>, id: string, text: string): void =>
  options.notify({ topic: 'batch', text: `${id}: ${text}` });

/** What a run says of its engine; of its files and of its pauses the server speaks itself. */
const topics = new Set<Notice['topic']>([
  'cache',
  'choice',
  'engine',
  'engine-restart',
  'out-of-memory',
  'outage',
  'rate-limit',
  'stall',
  'vram',
  'workers',
]);

export function notifyOf(context: Pick<QueueContext, 'options'>, id: string): Notify {
  return ({ topic, text, isDetail = false }) => {
    if (topics.has(topic) && !isDetail) tellBatch(context, id, text);
  };
}
