import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  classifyError,
  contextTooLong,
  withoutVainAdvice,
} from '../../../../src/backends/ollama/http/classify-error.ts';
import { GarbledLine, HttpFailure } from '../../../../src/backends/ollama/http/http.ts';
import { type ErrorKind, isTransient } from '../../../../src/core/errors.ts';
import { recordedExchanges } from '../../../helpers/fake-ollama/recordings.ts';

const ofBody = (status: number, body: string) => classifyError(new HttpFailure(status, body, null));
const ofText = (status: number, error: string) => ofBody(status, JSON.stringify({ error }));
const nested = (message: string, more: object = {}): string =>
  JSON.stringify({ error: { code: 400, message, type: 'invalid_request_error', ...more } });

/** What a stream breaks off with, as the package throws it. */
const inStream = (text: string) => classifyError(new Error(text));

const tooLong = 'request (4185 tokens) exceeds the available context size (2048 tokens), try increasing it';

interface RecordedFailure {
  /** Recording and status (`stream`: in the middle of an answer). */
  place: string;
  error: Error;
  text: string;
}

const recordings = readdirSync(new URL('../../../../fixtures/responses/ollama/', import.meta.url))
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.replace(/\.json$/, ''));

const recordedFailures: RecordedFailure[] = recordings.flatMap((name) =>
  recordedExchanges(name).flatMap(({ response }): RecordedFailure[] => {
    // Of some answers only their number was kept.
    const { status, body = '' } = response as { status: number; body?: string };
    if (status !== 200)
      return [{ place: `${name} ${status}`, error: new HttpFailure(status, body, null), text: body.slice(0, 90) }];
    const last = body.trim().split('\n').at(-1) ?? '';
    if (!last.startsWith('{"error"')) return [];
    const { error: text } = JSON.parse(last) as { error: string };
    return [{ place: `${name} stream`, error: new Error(text), text }];
  }),
);

const kindsOfRecordings: Record<string, ErrorKind> = {
  'cold-burst-503 503': 'overloaded',
  'error-bad-format-500 500': 'bad-request',
  'error-bad-json-2-400 400': 'bad-request',
  'error-bad-json-400 400': 'bad-request',
  'error-bad-option-500 500': 'bad-request',
  'error-bad-schema-400 400': 'bad-request',
  'error-bad-type-400 400': 'bad-request',
  'error-embed-501 501': 'bad-request',
  'error-empty-body-400 400': 'bad-request',
  'error-host-403 403': 'unauthorized',
  'error-keep-alive-string-400 400': 'bad-request',
  'error-load-failed-500 500': 'engine-crashed',
  'error-method-405 405': 'unusable',
  'error-no-model-400 400': 'bad-request',
  'error-route-404 404': 'unusable',
  'error-think-400 400': 'bad-request',
  'error-too-long-400 400': 'context-too-long',
  'error-too-long-nonstream-400 400': 'context-too-long',
  'error-unknown-model-404 404': 'model-not-found',
  'fault-runner-killed-midstream stream': 'engine-crashed',
  'fault-runner-killed-nonstream 500': 'engine-crashed',
  'fault-runner-killed-stale-text 400': 'context-too-long',
  'fault-runner-killed-stale-text 500': 'engine-crashed',
  'fault-runner-killed-stale-text stream': 'engine-crashed',
  'fault-runner-killed-with-queue 500': 'engine-crashed',
  'fault-runner-killed-with-queue stream': 'engine-crashed',
  'field-checks 400': 'bad-request',
  'field-checks 404': 'model-not-found',
  'field-checks 405': 'unusable',
  'limits 400': 'context-too-long',
  'native-too-long-default-400 400': 'context-too-long',
  'option-checks 400': 'bad-request',
  'option-checks 500': 'bad-request',
  'show-unknown-404 404': 'model-not-found',
};

describe('a recorded failure', () => {
  test('is one of those listed here, and each of these was recorded', () => {
    expect([...new Set(recordedFailures.map(({ place }) => place))].toSorted()).toEqual(Object.keys(kindsOfRecordings));
  });

  test.each(recordedFailures)('has its kind: $place $text', ({ place, error }) => {
    expect(classifyError(error)).toMatchObject({ status: 'failed', kind: kindsOfRecordings[place] });
  });

  test.each(recordedFailures)('is told in a sentence: $place $text', ({ error }) => {
    expect(classifyError(error).message).toMatch(/^[A-Z"].*[^.]\.$/s);
  });
});

describe('a failure of a status', () => {
  test.each<[number, string, ErrorKind]>([
    [404, "model 'nope' not found", 'model-not-found'],
    [400, nested('Failed to initialize samplers: failed to parse grammar'), 'bad-request'],
    [400, nested('Multimodal data provided, but model does not support multimodal requests.'), 'bad-request'],
    [400, 'registry.ollama.ai/library/tiny-scorer:latest does not support tools', 'bad-request'],
    [400, 'the input length exceeds the context length', 'context-too-long'],
    [400, 'input length exceeds maximum context length', 'context-too-long'],
    [401, 'unauthorized', 'unauthorized'],
    [408, 'request timed out', 'timeout'],
    [413, 'http: request body too large', 'bad-request'],
    [429, 'too many requests', 'rate-limited'],
    [499, 'request canceled', 'server-error'],
    [502, 'bad gateway', 'server-error'],
    [503, 'server busy, please try again.  maximum pending requests exceeded', 'overloaded'],
    [
      500,
      'error starting llama-server: llama-server binary not found (checked: /a /b Run cmake -S llama/server)',
      'server-error',
    ],
    [500, 'this model does not support embeddings', 'bad-request'],
    [500, 'prediction aborted, token repeat limit reached', 'repetition'],
    [500, 'timed out waiting for llama-server to start - progress 0.00', 'engine-crashed'],
    [500, 'llama runner process has terminated: exit status 2', 'engine-crashed'],
    [500, 'model runner has unexpectedly stopped, this may be due to resource limitations', 'engine-crashed'],
    [
      500,
      'llama-server process has terminated: exit status 1: K cache type q8_0 with block size 32 does not divide n_embd_head_k=16',
      'engine-crashed',
    ],
    [500, 'llama-server reported out-of-memory during startup: exit status 1', 'out-of-memory'],
    [500, 'llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory', 'out-of-memory'],
    [500, 'model requires more system memory (9.1 GiB) than is available (3.0 GiB)', 'out-of-memory'],
    [500, 'model requires 9.1 GiB but only 3.0 GiB are available (after 0.5 GiB overhead)', 'out-of-memory'],
    [500, 'llama-server process has terminated: error: failed to allocate CUDA0 buffer', 'out-of-memory'],
    [500, 'vk::Device::allocateMemory: ErrorOutOfDeviceMemory', 'out-of-memory'],
    [500, 'something new', 'server-error'],
    [500, '', 'server-error'],
  ])('%i %j is %s', (status, text, kind) => {
    expect(ofText(status, text).kind).toBe(kind);
  });

  test.each<[number, ErrorKind]>([
    [204, 'invalid-response'],
    [206, 'invalid-response'],
    [301, 'unusable'],
    [308, 'unusable'],
    [404, 'unusable'],
    [410, 'bad-request'],
    [501, 'bad-request'],
    [502, 'server-error'],
    [503, 'overloaded'],
    [504, 'server-error'],
  ])('%i is told by its number where its body is a page: %s', (status, kind) => {
    const page = `\r\n<html><body>${'a page of a proxy '.repeat(5000)}</body></html>`;
    const failed = ofBody(status, page);
    expect(failed.kind).toBe(kind);
    expect(failed.message).toContain(status === 404 ? '404' : String(status));
    expect(failed.message.length).toBeLessThan(200);
    expect(failed.message).not.toContain('proxy');
  });

  test.each([400, 404, 500, 503])('%i is told briefly, however long its text is', (status) => {
    expect(ofBody(status, 'x'.repeat(60_000)).message.length).toBeLessThan(700);
  });

  test('keeps the answer of the server, and its wish to wait', () => {
    const failed = classifyError(new HttpFailure(429, '{"error":"slow down"}', 1500));
    expect(failed).toMatchObject({
      retryAfterMs: 1500,
      response: { status_code: 429, body: { error: 'slow down' } },
    });
    expect(ofText(500, 'x')).not.toHaveProperty('retryAfterMs');
    expect(ofBody(502, '<html>').response).toEqual({ status_code: 502, body: '<html>' });
  });
});

describe('a prompt that is too long', () => {
  test('is told with both counts, and the window that would do', () => {
    const details = { type: 'exceed_context_size_error', n_prompt_tokens: 15_053, n_ctx: 4096 };
    expect(ofText(400, nested(tooLong, details))).toMatchObject({
      kind: 'context-too-long',
      message: 'The prompt has 15,053 tokens, and the context window 4,096: shorten it, or try --option num_ctx=16384.',
    });
  });

  test('is found where the inner JSON is no text, too', () => {
    const body = JSON.stringify({
      error: { message: tooLong, type: 'exceed_context_size_error', n_prompt_tokens: 9, n_ctx: 8 },
    });
    expect(ofBody(400, body).kind).toBe('context-too-long');
  });
});

describe('the text of a crash', () => {
  const stale = `error: task id = 0, error: ${tooLong}`;
  const staleTexts = [
    stale,
    `${stale}\n${stale}`,
    nested(tooLong, { type: 'exceed_context_size_error', n_prompt_tokens: 4185, n_ctx: 2048 }),
    'Deepseek2 does not support K-shift',
    'error: task id = 7, error: "tiny" does not support thinking',
    'error: task id = 7, error: invalid format: "xml"',
  ];
  const crashes = [
    'an error was encountered while running the model: ',
    'llama-server process no longer running: unknown ',
    'llama-server process has terminated: exit status 1: ',
    'llama runner process no longer running: 2 ',
    'model runner has unexpectedly stopped, this may be due to resource limitations: ',
  ];

  test.each(crashes.flatMap((crash) => staleTexts.map((text) => [crash, text] as const)))(
    'never blames a request for what it repeats of others: %s%s',
    (crash, text) => {
      for (const failed of [inStream(crash + text), ofText(500, crash + text)]) {
        expect(isTransient(failed.kind)).toBe(true);
        expect(failed.message).not.toContain('task id');
      }
    },
  );

  test('is still that of a lack of memory', () => {
    expect(inStream(`an error was encountered while running the model: CUDA error: out of memory ${stale}`).kind).toBe(
      'out-of-memory',
    );
  });
});

describe('a connection that breaks', () => {
  const coded = (code: string, name = 'Error'): Error => Object.assign(new Error('broken'), { code, name });

  test.each([
    'ECONNRESET',
    'ECONNREFUSED',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETDOWN',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EPROTO',
    'UND_ERR_SOCKET',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_CLOSED',
    'UND_ERR_DESTROYED',
    'UND_ERR_HEADERS_OVERFLOW',
    'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    'HPE_INVALID_CONSTANT',
  ])('is a connection failure, told in words: %s', (code) => {
    const wrapped = new TypeError('fetch failed', { cause: coded(code, 'SocketError') });
    for (const error of [coded(code, 'SocketError'), wrapped]) {
      expect(classifyError(error)).toMatchObject({
        kind: 'connection',
        message: expect.stringMatching(/^[A-Z][a-z ]+( HTTP| TLS)?\.$/) as string,
      });
    }
  });

  test.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', 'it has signed its certificate itself'],
    ['CERT_HAS_EXPIRED', 'has expired'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'not signed by an authority that this machine trusts'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'for another host name'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'does not speak TLS'],
  ])('stops the run where it is not safe: %s', (code, reason) => {
    expect(classifyError(coded(code))).toMatchObject({
      kind: 'unusable',
      message: expect.stringContaining(reason) as string,
    });
  });
});

describe('an answer that makes no sense', () => {
  test('is an invalid response', () => {
    expect(classifyError(new GarbledLine('{"mess')).kind).toBe('invalid-response');
    expect(classifyError(new SyntaxError('Unexpected token'))).toMatchObject({
      kind: 'invalid-response',
      message: "The server's answer can't be read: Unexpected token.",
    });
  });
});

test.each([
  new TypeError("can't read properties of undefined"),
  new RangeError('x'),
  Object.assign(new Error('wrong use'), { name: 'InvalidArgumentError', code: 'UND_ERR_INVALID_ARG' }),
  'a text',
])('what is a mistake of this program’s is thrown again: %s', (error) => {
  let thrown: unknown;
  try {
    classifyError(error);
  } catch (caught) {
    thrown = caught;
  }
  expect(thrown).toBe(error);
});

describe('the advice of a prompt that is too long', () => {
  const failed = contextTooLong(5000, 4096);

  test('is a larger window where the model has more', () => {
    expect(withoutVainAdvice(failed, 8192, 4096).message).toContain('shorten it, or try --option num_ctx=6144.');
    expect(withoutVainAdvice(failed, null, 4096)).toBe(failed);
  });

  test('is to shorten it where the model was trained on no more', () => {
    expect(withoutVainAdvice(failed, 4096, 4096).message).toBe(
      'The prompt has 5,000 tokens, and the context window 4,096: shorten it, the model was trained on no more.',
    );
  });
});

test('what a server says is one line, without what a terminal would act on', () => {
  const said = '\u001B[2J\u001B]0;owned\u0007first\nsecond \u009B31mred';
  for (const failed of [ofText(400, said), ofText(404, said), ofText(500, said), inStream(said)])
    expect(failed.message).toContain('first second red');
  for (const failed of [ofText(404, said), classifyError(new GarbledLine(said)), classifyError(new SyntaxError(said))])
    expect(failed.message).not.toMatch(/\p{Cc}/u);
});
