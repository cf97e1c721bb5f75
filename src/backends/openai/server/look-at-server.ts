import type { Failure } from '../../../core/completion.ts';
import { isRecord } from '../../../data/is-record.ts';
import { parsedOrText } from '../../http/json-text.ts';
import { askOnce } from '../../http/wait-for-server.ts';
import type { OpenaiClient } from '../http/client.ts';
import { askServer } from './reach-server.ts';

/** Asks whether the server takes requests, and whether it says that it works on none. */
export async function lookAtServer(client: OpenaiClient, signal: AbortSignal): Promise<'busy' | 'idle' | Failure> {
  const answer = await askOnce({ ask: (within) => askServer(client, within) }, signal);
  if (!('found' in answer)) return answer;
  const page = workloads[answer.found?.kind ?? ''];
  if (page === undefined) return 'busy';
  const workload = await askOnce({ ask: (within) => getPage(client, page.path, within) }, signal);
  return 'found' in workload && page.isIdle(workload.found) ? 'idle' : 'busy';
}

/** Pages beside OpenAI's API that say what a server is working on. A page that is switched off says nothing. */
const workloads: Record<string, { path: string; isIdle: (text: string) => boolean }> = {
  llamacpp: { path: '/slots', isIdle: areSlotsIdle },
  vllm: { path: '/metrics', isIdle: areMetricsIdle },
  sglang: { path: '/metrics', isIdle: areMetricsIdle },
};

function areSlotsIdle(text: string): boolean {
  const slots = parsedOrText(text);
  return (
    Array.isArray(slots) && slots.length > 0 && slots.every((slot) => isRecord(slot) && slot['is_processing'] === false)
  );
}

/** Prometheus's text: `vllm:num_requests_running{engine="0"} 0.0`, one line for each engine, beside those that wait. */
function areMetricsIdle(text: string): boolean {
  const counts = text.matchAll(
    /^(?:vllm:num_requests_(?:running|waiting)|sglang:num_(?:running|queue)_reqs)\S* (\S+)/gm,
  );
  const values = [...counts].map(([, value]) => Number(value));
  return values.length >= 2 && values.every((value) => value === 0);
}

async function getPage(client: OpenaiClient, path: string, signal: AbortSignal): Promise<{ found: string }> {
  const response = await client.get(`${client.place.root}${path}`, signal).catch(() => null);
  signal.throwIfAborted();
  return { found: response?.status === 200 ? response.text : '' };
}
