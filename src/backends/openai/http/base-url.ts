import { type BackendAddress, givenText, keyVariable } from '../../../core/connection.ts';
import { UsageError } from '../../../core/errors.ts';
import { bearerKey, refuseSecrets } from '../../http/bearer-key.ts';
import { isLoopback } from '../../../machine/is-loopback.ts';

/** Address of an OpenAI-compatible server. */
export interface ServerPlace {
  /** Base URL with the path before `/chat/completions`, as a rule `/v1`; without a slash at the end. */
  url: string;
  /** Base URL without `/v1`, where servers answer what is not part of OpenAI's API. */
  root: string;
  isLocal: boolean;
  /** Sent as bearer key; never written anywhere. */
  key: string | null;
}

/** `--base-url`, else OPENAI_BASE_URL; with the key of OPENAI_API_KEY. */
export function openaiPlace(address: BackendAddress): ServerPlace {
  const named = namedBaseUrl(address);
  if (named === null) {
    throw new UsageError('no OpenAI-compatible server is named', `Name one with --base-url ${example}.`);
  }
  const { url, isLocal } = readBaseUrl(named);
  return { url, root: url.replace(/\/v1$/, ''), isLocal, key: bearerKey(keyOf(address), address.environment) };
}

const keyOf = ({ connection }: BackendAddress): string => keyVariable(connection, 'OPENAI_API_KEY');

/** The base URL that a flag or the environment names; null where neither does. */
export const namedBaseUrl = ({ connection, environment }: BackendAddress): string | null =>
  (givenText(connection, 'baseUrl') ?? environment['OPENAI_BASE_URL'] ?? '').trim() || null;

const example = 'http://127.0.0.1:8000/v1';

/** Reads a base URL. What may be secret in it is refused, and not repeated: the URL goes into files and messages. */
export function readBaseUrl(text: string): Pick<ServerPlace, 'url' | 'isLocal'> {
  refuseSecrets(text, 'the base URL', 'OPENAI_API_KEY');
  const isUrl = /^https?:\/\//i.test(text) && URL.canParse(text);
  if (!isUrl) throw new UsageError(`"${text}" is not an http(s) address of a server`, `It looks like ${example}.`);
  const { origin, pathname, hostname } = new URL(text);
  const path = pathname.replace(/\/+$/, '').replace(/\/(chat\/completions|completions|embeddings|models)$/, '');
  return { url: `${origin}${path === '' ? '/v1' : path}`, isLocal: isLoopback(hostname) };
}
