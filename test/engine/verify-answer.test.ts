import { afterEach, describe, expect, test } from 'vitest';
import { type Answer, failure } from '../../src/core/completion.ts';
import type { BatchRequest } from '../../src/core/request.ts';
import { type AnswerVerifier, type Leniency, type Verdict, createVerifier } from '../../src/engine/verify-answer.ts';
import { chat, completion } from './requests.ts';

const verifiers: AnswerVerifier[] = [];
afterEach(() => verifiers.splice(0).forEach((verifier) => verifier.close()));

function open(leniency: Partial<Leniency> = {}, holder?: Parameters<typeof createVerifier>[1]): AnswerVerifier {
  const verifier = createVerifier({ allowTruncated: false, ...leniency }, holder);
  verifiers.push(verifier);
  return verifier;
}

async function judgeBy(verifier: AnswerVerifier, request: BatchRequest, answer: Answer): Promise<Verdict> {
  const check = await verifier.prepare(request);
  return typeof check === 'function' ? (await check(answer))! : { answer: check };
}

async function judge(answer: Answer, format?: unknown, allowTruncated = false): Promise<Verdict> {
  const body = format === undefined ? {} : { response_format: format };
  return judgeBy(open({ allowTruncated }), chat('a', 'q', body), answer);
}

const kindOf = ({ answer }: Verdict): string => (answer.status === 'failed' ? answer.kind : 'completed');
const ofSchema = (schema: unknown): object => ({ type: 'json_schema', json_schema: { name: 'answer', schema } });

describe('an answer', () => {
  test('that is whole is a success', async () => {
    expect(kindOf(await judge(completion('yes')))).toBe('completed');
    expect(kindOf(await judge(completion('yes'), { type: 'text' }))).toBe('completed');
    expect(kindOf(await judge(completion('yes'), null))).toBe('completed');
  });

  test('that was cut is none, and is kept for the eye', async () => {
    const verdict = await judge(completion('half an ans', { finishReason: 'length' }));
    expect(kindOf(verdict)).toBe('truncated');
    expect(verdict).toMatchObject({ rejected: { content: 'half an ans', finish_reason: 'length' } });
  });

  test('that is not accepted keeps what it cost, and how the backend saw it end', async () => {
    const known = { queueMs: 3, ttftMs: 5, finish: { reason: 'limit' } };
    const { usage } = completion('half an ans').body;
    const cut = { ...completion('half an ans', { finishReason: 'length' }), ...known };
    expect(usage).toBeDefined();
    expect((await judge(cut)).answer).toMatchObject({ status: 'failed', kind: 'truncated', usage, ...known });
    const noJson = { ...completion('half an ans'), ...known };
    expect((await judge(noJson, { type: 'json_object' })).answer).toMatchObject({ status: 'failed', usage, ...known });
  });

  test('that was cut is one where that is allowed', async () => {
    expect(kindOf(await judge(completion('half', { finishReason: 'length' }), undefined, true))).toBe('completed');
  });

  test('that was cut is none where any choice was cut', async () => {
    const answer = completion('whole');
    answer.body.choices?.push({ index: 1, message: { role: 'assistant', content: 'ha' }, finish_reason: 'length' });
    expect(kindOf(await judge(answer))).toBe('truncated');
  });

  test('that a content filter cut is refused, however lenient we are', async () => {
    expect(kindOf(await judge(completion('', { finishReason: 'content_filter' }), undefined, true))).toBe('refused');
  });

  test('that failed stays what it is', async () => {
    const failed = failure('overloaded', 'busy');
    expect((await judge(failed, { type: 'json_object' })).answer).toBe(failed);
  });

  test('must be JSON where JSON was asked for', async () => {
    expect(await judge(completion('{"a":1}'), { type: 'json_object' })).toMatchObject({ parsed: { a: 1 } });
    expect(kindOf(await judge(completion('Sure! {"a":1}'), { type: 'json_object' }))).toBe('schema-invalid');
    expect(kindOf(await judge(completion(''), { type: 'json_object' }))).toBe('empty');
  });

  test('that was cut is none even where its JSON is whole', async () => {
    expect(kindOf(await judge(completion('{}', { finishReason: 'length' }), { type: 'json_object' }))).toBe(
      'truncated',
    );
  });

  test('must be of the schema, and the mismatch is named', async () => {
    const format = ofSchema({
      type: 'object',
      properties: { score: { type: 'integer', maximum: 100 } },
      required: ['score'],
    });
    expect(await judge(completion('{"score":7}'), format)).toMatchObject({ parsed: { score: 7 } });
    expect(await judge(completion('{"score":101}'), format)).toMatchObject({
      answer: {
        kind: 'schema-invalid',
        message: 'the answer is not of the schema: /score is 101, and must be at most 100',
      },
      rejected: { content: '{"score":101}' },
    });
    expect(await judge(completion('{}'), format)).toMatchObject({
      answer: { message: 'the answer is not of the schema: the whole has no "score"' },
    });
  });

  test('must be of the schema in each of its choices', async () => {
    const schema = ofSchema({ type: 'object', required: ['score'] });
    const answer = completion('{"score":1}');
    answer.body.choices?.push({ index: 1, message: { role: 'assistant', content: '{}' }, finish_reason: 'stop' });
    expect(await judge(answer, schema)).toMatchObject({
      answer: { kind: 'schema-invalid' },
      rejected: { content: '{}' },
    });
    answer.body.choices!.splice(1);
    expect(await judge(answer, schema)).toMatchObject({ parsed: { score: 1 } });
  });

  test('to a schema that can not be checked fails before it is sent', async () => {
    const formats = [
      ofSchema({ type: 'no-such-type' }),
      ofSchema(undefined),
      ofSchema({ $ref: '#/$defs/missing' }),
      { type: 'json_schema' },
      { type: 'yaml' },
      {},
    ];
    for (const format of formats) expect(kindOf(await judge(completion('{}'), format))).toBe('bad-request');
  });

  test('is checked by the same schema for many requests at once', async () => {
    const verifier = open();
    const request = chat('a', 'q', { response_format: ofSchema({ $id: 'https://example.com/a', type: 'object' }) });
    const checks = await Promise.all([1, 2, 3].map(async () => verifier.prepare(request)));
    for (const check of checks) expect(typeof check).toBe('function');
  });
});
