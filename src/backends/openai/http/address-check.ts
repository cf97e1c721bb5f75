import { type Endpoint, endpoints } from '../../../core/request.ts';
import { quotableText } from '../../http/body-text.ts';
import { classifyResponse } from './classify-error.ts';
import type { OpenaiClient } from './client.ts';

/** Is the base URL right? */
export type AddressCheck = (signal: AbortSignal) => Promise<boolean>;

/**
 * A server answers 404 to a path that it lacks, and what is no such server does so to all. A list of models shows that the
 * address is right. Where there is none (some proxies), any path for requests does: whoever has it refuses an empty request,
 * which costs nothing.
 */
export function createAddressCheck(client: OpenaiClient, listsModels: boolean): AddressCheck {
  let isRight = listsModels;
  return async (signal) => {
    isRight ||= (await Promise.all(endpoints.map((endpoint) => isThere(client, endpoint, signal)))).includes(true);
    return isRight;
  };
}

/** What a server says to an empty request, each in its own way. */
const refusals = new Set(['bad-request', 'model-not-found', 'server-error', 'invalid-response']);

async function isThere(client: OpenaiClient, endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
  const { statusCode: status, headers, body } = await client.post(endpoint, {}, signal);
  return refusals.has(classifyResponse({ status, headers, text: await quotableText(body) }).kind);
}
