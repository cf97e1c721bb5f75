import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.ts';
import type { ApiRequest } from './route.ts';

/** 16 metadata pairs of OpenAI's greatest length are 9 KB. */
const maxBodyBytes = 1_048_576;
/** A body of this size takes less than a second on any line that works. */
const bodyMs = 30_000;

/** Reads a JSON body of at most 1 MiB. Throws an `ApiError`: 400 where it is no JSON, 413 where it is larger, 408 where it does not end. */
export async function readJson(request: ApiRequest): Promise<unknown> {
  const text = await readText(request);
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, 'the body of the request is not JSON', { code: 'invalid_json' });
  }
}

/** Reads the fields of a form as a browser sends it (`application/x-www-form-urlencoded`), of at most 1 MiB. Fails as `readJson`. */
export const readForm = async (request: ApiRequest): Promise<URLSearchParams> =>
  new URLSearchParams(await readText(request));

async function readText(request: ApiRequest): Promise<string> {
  if (Number(request.message.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge();
  const bytes = await collect(request.body());
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError(400, 'the body of the request is not UTF-8');
  }
}

/** By events: to leave a loop over the body early would close the connection, and the client would get no answer. */
function collect(body: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => end(new ApiError(408, 'the body of the request did not end')), bodyMs);
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBodyBytes) end(tooLarge());
    };
    const end = (error?: Error): void => {
      clearTimeout(timer);
      body.off('data', onData);
      if (error === undefined) resolve(Buffer.concat(chunks));
      else reject(error);
    };
    body.on('data', onData);
    body.once('end', () => end());
    body.once('error', end);
  });
}

const tooLarge = (): ApiError =>
  new ApiError(413, `the body of the request is larger than ${maxBodyBytes} bytes`, { code: 'request_too_large' });
