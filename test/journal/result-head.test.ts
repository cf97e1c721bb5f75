import * as fc from 'fast-check';
import { cutWords } from '../../src/core/failures/failure-groups.ts';
import { expect, test } from 'vitest';
import { tokensOfFailure } from '../../src/core/attempt-tokens.ts';
import { failure } from '../../src/core/completion.ts';
import { allErrorKinds } from '../../src/core/errors.ts';
import { type ResultLine, isSuccess } from '../../src/core/result-line.ts';
import { readResultHead } from '../../src/journal/result-head.ts';
import { completionOf, resultFrom, success } from './sample-results.ts';

const marks = [
  '","custom_id":"',
  ',"response":{"status_code":200,"request_id":"',
  '"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}',
  '},"error":null,"llmbatch":{"line":',
  '{"id":"batch_req_',
  '}}',
];
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...marks),
  fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\0', '\u2028', '😀', '\ud800', '{', '}') }),
  fc.nat(400).map((length) => 'x'.repeat(length)),
);
const usage = { prompt_tokens: 90, completion_tokens: 91, total_tokens: 181 };
const row = fc.oneof(
  fc.dictionary(text, fc.jsonValue()),
  fc.constantFrom<Record<string, unknown>>({ usage }, { a: { usage, error: null } }, { llmbatch: { line: 1 }, b: {} }),
);
const tokens = fc.record(
  { promptTokens: fc.nat(), completionTokens: fc.nat(), cachedTokens: fc.nat() },
  { requiredKeys: ['promptTokens', 'completionTokens'] },
);
const answer = fc.record({ id: text, text, row }, { requiredKeys: ['id', 'text'] });

/** What an answer may hold as keys: everything that a result has of its own. */
const forged = fc.constantFrom<Record<string, unknown>>(
  {},
  { usage },
  { choice: { usage, finish_reason: 'stop' } },
  { timings: { a: 1 }, note: 'a } in a "text" \\' },
  { x: {}, error: null, llmbatch: { line: 77 } },
  { x: { y: {}, error: null, llmbatch: { line: 77, attempts: 1 } } },
  { error: { code: 'timeout', message: 'no' } },
  { custom_id: 'other', response: { status_code: 200, request_id: 'x', body: { usage } } },
);

/** A server's body, with fields of its own before and behind the usual ones. */
const completed = fc.tuple(answer, tokens, forged, forged).map(([given, counts, before, behind]) => {
  const completion = completionOf(given.text, counts);
  const { usage: own, ...body } = completion.body;
  return { ...completion, body: { ...before, ...body, ...(own === undefined ? {} : { usage: own }), ...behind } };
});

const succeeded = fc
  .tuple(answer, completed, fc.option(row, { nil: undefined }), fc.option(forged, { nil: undefined }))
  .map(([given, completion, finish, parsed]) =>
    resultFrom(
      {
        verdict: {
          answer: finish === undefined ? completion : { ...completion, finish },
          ...(parsed === undefined ? {} : { parsed }),
        },
      },
      given,
      5,
    ),
  );

/** Also a server that said 200, with a body like that of a success. */
const unsuccessful = fc
  .tuple(answer, completed, fc.constantFrom(...allErrorKinds), fc.constantFrom(null, 200, 500))
  .map(([given, { body }, kind, status]) => {
    const response = status === null ? {} : { response: { status_code: status, body } };
    return resultFrom({ verdict: { answer: { ...failure(kind, given.text), ...response } } }, given);
  });

const read = (line: unknown): unknown => readResultHead(Buffer.from(JSON.stringify(line)));

/** What a reader of the whole line finds. */
function headOf(line: ResultLine): unknown {
  const counts = line.llmbatch.usage ?? line.response?.body?.usage;
  const kind = isSuccess(line) ? null : line.error!.code;
  return {
    id: line.custom_id,
    line: line.llmbatch.line,
    kind,
    ...(kind === null ? {} : { failure: { id: cutWords(line.custom_id), message: cutWords(line.error!.message) } }),
    ...(counts === undefined && kind !== null
      ? tokensOfFailure(kind)
      : {
          promptTokens: counts?.prompt_tokens ?? null,
          completionTokens: counts?.completion_tokens ?? null,
          cachedTokens: counts?.prompt_tokens_details?.cached_tokens ?? null,
        }),
  };
}

test('of any result that the engine builds, the head is what a full parse finds', () => {
  const run = fc.property(fc.oneof(succeeded, unsuccessful), (line) => {
    expect(read(line)).toEqual(headOf(JSON.parse(JSON.stringify(line)) as ResultLine));
  });
  fc.assert(run, { numRuns: 1000 });
});

test('a success that was sent more than once tells what the attempts before cost', () => {
  const retried = { promptTokens: 7, completionTokens: 2, cachedTokens: null, uncounted: 1, latencyMs: 5 };
  const line = resultFrom({ verdict: { answer: completionOf('fine') }, attempts: 3, retried }, { id: 'a' });
  expect(read(line)).toMatchObject({ id: 'a', kind: null, promptTokens: 7, completionTokens: 3, retried });
});

test('a failure with the status 200 and a whole body is a failure', () => {
  const response = { status_code: 200, body: completionOf('half an ans').body };
  const line = resultFrom({ verdict: { answer: { ...failure('invalid-response', 'cut'), response } } }, { id: 'a' });
  expect(read(line)).toMatchObject({ id: 'a', kind: 'invalid-response', promptTokens: 7 });
});

test('a failure whose body holds the end of a success is a failure', () => {
  const body = { ...completionOf('half an ans').body, x: { y: {}, error: null, llmbatch: { line: 9 } } };
  const response = { status_code: 200, body };
  const line = resultFrom({ verdict: { answer: { ...failure('invalid-response', 'cut'), response } } }, { id: 'a' });
  expect(read(line)).toMatchObject({ id: 'a', line: 1, kind: 'invalid-response' });
});

test("the tokens are those of the body's own usage, whatever a choice or a row says", () => {
  const { body } = completionOf('fine');
  const { usage: own, choices, ...rest } = body;
  const nested = { ...rest, choices: [{ ...choices![0]!, usage }], ...(own === undefined ? {} : { usage: own }) };
  expect(read(resultFrom({ verdict: { answer: { status: 'completed', body: nested } } }, { id: 'a' }))).toMatchObject({
    promptTokens: 7,
    completionTokens: 3,
  });
  const only = { ...rest, choices: [{ ...choices![0]!, usage }] };
  expect(read(resultFrom({ verdict: { answer: { status: 'completed', body: only } } }, { id: 'a' }))).toMatchObject({
    promptTokens: null,
  });
});

test('a line of another program with types that no result has is none', () => {
  const odd = { toString: 1 };
  expect(read({ custom_id: 'a', response: null, error: { code: odd } })).toBeNull();
  expect(read({ custom_id: 'a', response: null, error: null, llmbatch: { started_at: odd } })).toBeNull();
});

test("a body in a server's own order of keys is read by a full parse", () => {
  const line = success({ id: 'a', row: { usage } });
  const own = { completion_tokens: 3, prompt_tokens: 8, total_tokens: 11 };
  const body = { ...line.response?.body, usage: own };
  expect(read({ ...line, response: { ...line.response, body } })).toMatchObject({
    promptTokens: 8,
    completionTokens: 3,
  });
});

test('lines of other tools are read too', () => {
  expect(read({ custom_id: 'a', response: { status_code: 200, body: {} }, error: null })).toMatchObject({
    id: 'a',
    kind: null,
  });
  expect(read({ custom_id: 'a', response: null, error: { code: 'batch_expired' } })).toMatchObject({
    kind: 'server-error',
  });
  expect(read({ custom_id: 'a', response: null, error: null })).toMatchObject({ kind: 'server-error' });
  expect(read({ custom_id: 'a', response: { status_code: 200, body: { usage: null } } })).toMatchObject({
    promptTokens: null,
  });
});

test.each(['', '{', 'null', '[]', '{}}', '{"id":"batch_req_1","custom_id":"a"}}', '\0\0\0'])(
  '%j has no head',
  (line) => {
    expect(readResultHead(Buffer.from(line))).toBeNull();
  },
);

test('a hole of NULs anywhere in a line, as a power cut leaves it, makes it none', () => {
  const whole = Buffer.from(JSON.stringify(success({ id: 'a', text: 'x'.repeat(2000), row: { deep: { er: {} } } })));
  const run = fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 600 }), (from, length) => {
    const damaged = Buffer.from(whole);
    damaged.fill(0, from, Math.min(from + length, whole.length));
    expect(readResultHead(damaged)).toBeNull();
  });
  fc.assert(run, { numRuns: 500 });
});

test.each([{}, { service_tier: null, system_fingerprint: 'fp_"}' }])(
  'a success that llmbatch wrote is known without reading its answer (%j)',
  (behind) => {
    const whole = success({ id: 'plain-id', text: 'fine' });
    const line = JSON.stringify({
      ...whole,
      response: { ...whole.response, body: { ...whole.response?.body, ...behind } },
    }).replace('fine', String.raw`f\q`);
    expect(() => JSON.parse(line)).toThrow();
    expect(readResultHead(Buffer.from(line))).toMatchObject({ id: 'plain-id', kind: null });
  },
);
