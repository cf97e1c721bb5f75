import { type Endpoint, endpoints } from '../../../core/request.ts';
import { quotableText } from '../../http/body-text.ts';
import { classifyResponse } from './classify-error.ts';
import type { OpenaiClient } from './client.ts';

/** Says whether the base URL is right. */
export type AddressCheck = (signal: AbortSignal) => Promise<boolean>;

/**
 * Makes the check. A server answers 404 to a path that it lacks, and a server of another kind does so to every path. A
 * list of models shows that the address is right. Where there is none (some proxies), an empty request shows it: a
 * server that has the path refuses it, which costs nothing.
 */
export function createAddressCheck(client: OpenaiClient, listsModels: boolean): AddressCheck {
  let isRight = listsModels;
  return async (signal) => {
    isRight ||= (await Promise.all(endpoints.map((endpoint) => isThere(client, endpoint, signal)))).includes(true);
    return isRight;
  };
}

/** Kinds of failure with which servers refuse an empty request. */
const refusals = new Set(['bad-request', 'model-not-found', 'server-error', 'invalid-response']);

async function isThere(client: OpenaiClient, endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
  const { statusCode: status, headers, body } = await client.post(endpoint, {}, signal);
  return refusals.has(classifyResponse({ status, headers, text: await quotableText(body) }).kind);
}
