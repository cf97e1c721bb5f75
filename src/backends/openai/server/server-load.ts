import type { EngineLoad } from '../../../core/measurements.ts';
import { isRecord } from '../../../data/is-record.ts';
import { parsedOrText } from '../../http/json-text.ts';
import type { OpenaiClient } from '../http/client.ts';
import { sumOf, valuesOf } from './metrics-text.ts';

/** A page beside OpenAI's API that says what a server works on, and what it says; null where the text is no such page. */
interface LoadPage {
  path: string;
  read: (text: string) => EngineLoad | null;
}

/** Pages of the kinds of servers, as `/v1/models` names them. Each may be switched off. */
const pages: Record<string, LoadPage[]> = {
  vllm: [metricsPage('vllm:num_requests_running', 'vllm:num_requests_waiting', 'vllm:kv_cache_usage_perc')],
  sglang: [metricsPage('sglang:num_running_reqs', 'sglang:num_queue_reqs', 'sglang:token_usage')],
  llamacpp: [
    metricsPage('llamacpp:requests_processing', 'llamacpp:requests_deferred'),
    { path: '/slots', read: readSlots },
  ],
};

/** Asks a server for its load; null where it does not say. Rejects as the connection does, and with the signal's reason. */
export async function askLoad(
  { get, place }: Pick<OpenaiClient, 'get' | 'place'>,
  kind: string | null,
  signal: AbortSignal,
): Promise<EngineLoad | null> {
  for (const { path, read } of pages[kind ?? ''] ?? []) {
    const { status, text } = await get(`${place.root}${path}`, signal);
    const load = status === 200 ? read(text) : null;
    if (load !== null) return load;
  }
  return null;
}

/** A page of metrics in Prometheus's text, by the names of those that count what runs, what waits, and the KV cache in use. */
function metricsPage(runningName: string, waitingName: string, kvName?: string): LoadPage {
  return {
    path: '/metrics',
    read(text) {
      const [running, waiting] = [sumOf(valuesOf(text, runningName)), sumOf(valuesOf(text, waitingName))];
      if (running === null || waiting === null) return null;
      const shares = kvName === undefined ? [] : valuesOf(text, kvName);
      const share = sumOf(shares);
      return { running, waiting, kvUsage: share === null ? null : share / shares.length };
    },
  };
}

/** llama-server's slots, which say nothing of what waits for them. */
function readSlots(text: string): EngineLoad | null {
  const slots = parsedOrText(text);
  const isList = Array.isArray(slots) && slots.length > 0;
  if (!isList || !slots.every((slot) => isRecord(slot) && typeof slot['is_processing'] === 'boolean')) return null;
  const running = slots.filter((slot) => isRecord(slot) && slot['is_processing'] === true).length;
  return { running, waiting: null, kvUsage: null };
}
