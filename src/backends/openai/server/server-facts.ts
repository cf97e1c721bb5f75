import { isRecord } from '../../../data/is-record.ts';
import { parsedOrText } from '../../http/json-text.ts';
import { oneLine } from '../../../text/one-line.ts';
import type { OpenaiClient } from '../http/client.ts';
import type { ModelList } from './served-models.ts';

/** Facts that a server tells beside OpenAI's API; null stands for what it does not tell. */
export interface ServerFacts {
  /** `vllm 0.32.0`, `llama-server b9000`, `ollama 0.34.0`, or `an OpenAI-compatible server`. */
  version: string;
  /** Null where it is none of them. */
  kind: 'vllm' | 'sglang' | 'llama-server' | 'ollama' | null;
  /**
   * Says how the server treats a last assistant message: it continues one when asked by the keys for it, it always
   * does, or it isn't known.
   */
  continues: 'asked' | 'always' | 'unknown';
  /** It queues what it can't work on, however many requests there are. */
  queues: boolean;
  /** Requests that it works on at once. */
  slots: number | null;
  /** Tokens of the window of each slot. */
  contextTokens: number | null;
  /** The model's chat template, '' where it isn't told. */
  template: string;
  /** The model's file, as the server names it on its own machine. */
  modelPath: string | null;
}

const unknown: ServerFacts = {
  version: 'an OpenAI-compatible server',
  kind: null,
  continues: 'unknown',
  queues: false,
  slots: null,
  contextTokens: null,
  template: '',
  modelPath: null,
};

/** Longer than a server takes to tell of itself. */
const maxMs = 5000;

export async function serverFacts(
  client: OpenaiClient,
  list: ModelList | null,
  signal: AbortSignal,
): Promise<ServerFacts> {
  const { root } = client.place;
  const within = AbortSignal.any([signal, AbortSignal.timeout(maxMs)]);
  const ask = async (path: string): Promise<Record<string, unknown>> => {
    const response = await client.get(`${root}${path}`, within).catch(() => null);
    signal.throwIfAborted();
    const body = response?.status === 200 ? parsedOrText(response.text) : null;
    return isRecord(body) ? body : {};
  };
  const owner = list?.kind ?? null;
  if (owner === 'vllm') {
    const { version } = await ask('/version');
    return { ...unknown, kind: owner, version: named('vllm', version), queues: true, continues: 'asked' };
  }
  if (owner === 'llamacpp') return llamaServer(await ask('/props'));
  if (owner === 'sglang') return { ...unknown, version: owner, kind: owner, continues: 'asked' };
  const { version } = await ask('/api/version');
  if (typeof version !== 'string') return unknown;
  return { ...unknown, version: named('ollama', version), kind: 'ollama' };
}

function llamaServer(props: Record<string, unknown>): ServerFacts {
  const {
    build_info: build,
    total_slots: slots,
    chat_template: template,
    default_generation_settings: settings,
    model_path: modelPath,
  } = props;
  return {
    ...unknown,
    kind: 'llama-server',
    version: named('llama-server', build),
    queues: true,
    continues: 'always',
    slots: countIn(slots),
    contextTokens: isRecord(settings) ? countIn(settings['n_ctx']) : null,
    template: typeof template === 'string' ? template : '',
    modelPath: typeof modelPath === 'string' ? modelPath : null,
  };
}

const named = (name: string, version: unknown): string =>
  typeof version === 'string' ? `${name} ${oneLine(version)}` : name;

const countIn = (value: unknown): number | null => (typeof value === 'number' && value > 0 ? value : null);
