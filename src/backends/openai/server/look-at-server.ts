import type { Failure } from '../../../core/completion.ts';
import { askOnce } from '../../http/wait-for-server.ts';
import type { OpenaiClient } from '../http/client.ts';
import { askServer } from './reach-server.ts';
import { askLoad } from './server-load.ts';

/** Asks whether the server takes requests, and whether it says that it works on none. */
export async function lookAtServer(client: OpenaiClient, signal: AbortSignal): Promise<'busy' | 'idle' | Failure> {
  const answer = await askOnce({ ask: (within) => askServer(client, within) }, signal);
  if (!('found' in answer)) return answer;
  const kind = answer.found?.kind ?? null;
  const ask = async (within: AbortSignal) => ({ found: await askLoad(client, kind, within).catch(() => null) });
  const load = await askOnce({ ask }, signal);
  const isIdle = 'found' in load && load.found?.running === 0 && (load.found.waiting ?? 0) === 0;
  return isIdle ? 'idle' : 'busy';
}
