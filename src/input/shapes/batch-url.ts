import { type Endpoint, endpoints } from '../../core/request.ts';
import { shorten } from '../../text/format.ts';
import { responsesToChat, turnWith } from './jq-programs.ts';

/**
 * The endpoint that the url of a batch line means: OpenAI's own, Azure's without `/v1` or with its deployment, or a
 * whole address. A string that is none of the endpoints says why.
 */
export function endpointOfUrl(url: unknown): Endpoint | { reason: string } {
  const asWritten = endpoints.find((known) => known === url);
  if (asWritten !== undefined) return asWritten;
  const path = typeof url === 'string' ? pathOf(url) : '';
  const [, name] = /(?:^|\/)(chat\/completions|completions|embeddings)$/.exec(path) ?? [];
  const endpoint = endpoints.find((known) => known === `/v1/${name}`);
  if (endpoint !== undefined) return endpoint;
  const [, shape] = Object.entries(others).find(([end]) => path.endsWith(end)) ?? [];
  return { reason: `"url" is ${shorten(url)}, ${shape ?? `not one of ${endpoints.join(', ')}`}` };
}

/** The path of an address, without a slash at its end. */
const pathOf = (url: string): string =>
  url
    .trim()
    .replace(/^\w+:\/\/[^/]*/, '')
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '')
    .toLowerCase();

/** Paths of other APIs, with what they are. */
const others: Readonly<Record<string, string>> = {
  '/responses': `the Responses API: ${turnWith(responsesToChat)}`,
  '/messages': `Anthropic's API: ${turnWith('{custom_id} + .body')}`,
};
