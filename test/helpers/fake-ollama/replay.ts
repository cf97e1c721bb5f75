import { request as httpRequest } from 'node:http';
import { type JsonObject, isObject } from './json.ts';
import type { RecordedExchange } from './recordings.ts';

export interface WireAnswer {
  status: number;
  headers: Record<string, string | undefined>;
  body: string;
}

/** Sends a recorded request, byte for byte. */
export function replay(
  url: string,
  { request }: RecordedExchange,
  headers: Record<string, string> = {},
): Promise<WireAnswer> {
  const body = request.rawBody ?? (request.body === undefined ? '' : JSON.stringify(unfolded(request.body)));
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      new URL(request.path, url),
      { method: request.method, headers: { 'Content-Length': Buffer.byteLength(body), ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers as WireAnswer['headers'], body: text });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

export interface Comparable {
  status: number;
  type: string | undefined;
  allow: string | undefined;
  isChunked: boolean;
  body: unknown[];
}

/** What of a recorded answer is the same at every time and on every machine, and what every server reports. */
export const recordedAnswer = ({ request, response }: RecordedExchange): Comparable =>
  comparable(request, { ...response, headers: lowerCased(response.headers) });

export const wireAnswer = ({ request }: RecordedExchange, answer: WireAnswer): Comparable =>
  comparable(request, answer);

function comparable(request: RecordedExchange['request'], { status, headers, body }: WireAnswer): Comparable {
  const known = request.rawBody !== undefined || isCandidate(request.body);
  const lines = body.split('\n').filter((line) => line !== '');
  return {
    status,
    type: headers['content-type'],
    allow: headers['allow'],
    isChunked: headers['transfer-encoding'] === 'chunked',
    body: known ? lines.map(steady) : lines.slice(-1).map((line) => onlyPrompt(steady(line))),
  };
}

const lowerCased = (headers: Record<string, string>): WireAnswer['headers'] =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** A question of the model's task: everything else a real model answers as it likes. */
function isCandidate(body: unknown): boolean {
  if (!isObject(body)) return true;
  const { messages, prompt } = body;
  if (!Array.isArray(messages) && typeof prompt !== 'string') return true;
  const text = JSON.stringify(body);
  return text.includes('Required: ') && !text.includes('<<') && text.length < 2000;
}

/** Replaces what is another at every time. */
function steady(line: string): unknown {
  try {
    return JSON.parse(line, reviveSteady) as unknown;
  } catch {
    return line;
  }
}

const changing = /_duration$|_at$|^(digest|size|size_vram|logprob)$/;
/** What depends on how the model was made, on what was asked before, or on the server's version. */
const dropped = ['prompt_eval_cached_count', 'modelfile', 'parameters', 'top_logprobs', 'version'];

function reviveSteady(key: string, value: unknown): unknown {
  if (dropped.includes(key)) return undefined;
  return changing.test(key) ? typeof value : value;
}

function onlyPrompt(line: unknown): unknown {
  if (!isObject(line) || line['prompt_eval_count'] === undefined) return line;
  const { model, done, prompt_eval_count: promptCount } = line;
  return { model, done, promptCount };
}

/** A long text is recorded as `<<'text' N times>>`. */
function unfolded(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (_, value: unknown) =>
    typeof value === 'string'
      ? value.replace(/<<'(.*?)' (\d+) times>>/g, (_match, text: string, times: string) => text.repeat(Number(times)))
      : value,
  ) as JsonObject;
}
