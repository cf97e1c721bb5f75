import { afterEach, describe, expect, test } from 'vitest';
import { type Answer, type Choice, type Completion, failure } from '../../src/core/completion.ts';
import type { BatchRequest, RequestBody } from '../../src/core/request.ts';
import {
  type AnswerVerifier,
  type Leniency,
  type VerifiedAnswer,
  createVerifier,
} from '../../src/scheduler/verify-answer.ts';
import { chat, completion } from './requests.ts';

const verifiers: AnswerVerifier[] = [];
afterEach(() => verifiers.splice(0).forEach((verifier) => verifier.close()));

function open(leniency: Partial<Leniency> = {}, holder?: Parameters<typeof createVerifier>[1]): AnswerVerifier {
  const verifier = createVerifier({ allowTruncated: false, ...leniency }, holder);
  verifiers.push(verifier);
  return verifier;
}

async function judgeBy(verifier: AnswerVerifier, request: BatchRequest, answer: Answer): Promise<VerifiedAnswer> {
  const check = await verifier.prepare(request);
  return typeof check === 'function' ? (await check(answer))! : { answer: check };
}

async function judge(answer: Answer, format?: unknown, allowTruncated = false): Promise<VerifiedAnswer> {
  const body = format === undefined ? {} : { response_format: format };
  return judgeBy(open({ allowTruncated }), chat('a', 'q', body), answer);
}

const kindOf = ({ answer }: VerifiedAnswer): string => (answer.status === 'failed' ? answer.kind : 'completed');
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

  test('that was cut while it repeated itself is told so: more tokens would not end it', async () => {
    const messageOf = async (text: string): Promise<unknown> => {
      const verdict = await judge(completion(text, { finishReason: 'length' }));
      return 'message' in verdict.answer ? verdict.answer.message : null;
    };
    for (const end of ['11, '.repeat(10), ' '.repeat(40), `${'I am a nurse with 3 years. '.repeat(3)}I am a nu`])
      expect(await messageOf(`{"why":"${end}`)).toMatch(/the same again and again: .*maxLength/);
    for (const end of [
      '11, '.repeat(9),
      'I am a nurse with 3 years. '.repeat(2),
      'a plain sentence that goes on and on',
    ])
      expect(await messageOf(end)).toMatch(/tokens?: raise max_tokens/);
    expect(await messageOf(' \n'.repeat(4))).toMatch(/has only blanks: more tokens would not help/);
    expect(await messageOf(' \n')).toMatch(/tokens?: raise max_tokens/);
  });

  test('that was cut and is of no form is told as cut, also where cut answers are allowed', async () => {
    const cut = completion('{"score":', { finishReason: 'length' });
    expect((await judge(cut, { type: 'json_object' }, true)).answer).toMatchObject({
      kind: 'truncated',
      message: expect.stringMatching(/cut after .*form that was asked for. Raise max_tokens/) as string,
    });
    expect(kindOf(await judge(completion('{"score":'), { type: 'json_object' }, true))).toBe('schema-invalid');
    const whole = completion('{"score":1}', { finishReason: 'length' });
    expect(kindOf(await judge(whole, { type: 'json_object' }, true))).toBe('completed');
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
    expect(kindOf(await judge(completion('"a"'), { type: 'json_object' }))).toBe('schema-invalid');
    expect(await judge(completion('[1]'), { type: 'json_object' })).toMatchObject({ parsed: [1] });
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

describe('an answer that says nothing', () => {
  const blanks: [string, Partial<Choice>][] = [
    ['nothing', { message: { role: 'assistant', content: '' } }],
    ['null', { message: { role: 'assistant', content: null } }],
    ['blanks', { message: { role: 'assistant', content: ' \n\u200B' } }],
    ['what shows nothing', { message: { role: 'assistant', content: '\u3164\u2800\u00AD\u0007' } }],
    ['the token that ends an answer', { message: { role: 'assistant', content: '<|im_end|>\n' } }],
    ['thinking alone', { message: { role: 'assistant', content: '<think>hm' } }],
    ['thinking in a key of its own', { message: { role: 'assistant', content: '', reasoning_content: 'hm' } }],
    ['an empty list of calls', { message: { role: 'assistant', content: null, tool_calls: [] } }],
    ['a blank text', { text: ' ' }],
  ];
  const answerOf = (choice: Partial<Choice>): Completion => {
    const answer = completion('');
    answer.body.choices = [{ index: 0, finish_reason: 'stop', ...choice }];
    return answer;
  };

  test.each(blanks)('but %s is empty, and is a success where that is allowed', async (_name, choice) => {
    const request = chat('a');
    expect(kindOf(await judgeBy(open(), request, answerOf(choice)))).toBe('empty');
    const allowed = await judgeBy(open({ allowEmptyAnswers: true }), request, answerOf(choice));
    expect(allowed).toMatchObject({ empty: true, answer: { status: 'completed' } });
  });

  test('is kept for the eye, with what was thought', async () => {
    const answer = answerOf({ message: { role: 'assistant', content: '', reasoning: 'hm' } });
    expect(await judgeBy(open(), chat('a'), answer)).toMatchObject({ rejected: { content: '', reasoning: 'hm' } });
  });

  test('is one in any of its choices', async () => {
    const answer = completion('red');
    answer.body.choices?.push({ index: 1, message: { role: 'assistant', content: ' ' }, finish_reason: 'stop' });
    expect(kindOf(await judgeBy(open(), chat('a', 'q', { n: 2 }), answer))).toBe('empty');
  });
});

describe('an answer that is not what was asked for', () => {
  const tools = [{ type: 'function', function: { name: 'pick', parameters: { type: 'object' } } }];
  const withLogprobs = (token: object): Completion => {
    const answer = completion('red');
    answer.body.choices![0]!['logprobs'] = { content: [{ token: 'red', logprob: -1, ...token }] };
    return answer;
  };
  const call = (name: string, given: string): Completion => {
    const answer = completion('', { finishReason: 'tool_calls' });
    const tool_calls = [{ id: '1', type: 'function', function: { name, arguments: given } }];
    answer.body.choices![0]!.message = { role: 'assistant', content: null, tool_calls };
    return answer;
  };

  test.each<[string, Partial<RequestBody>, Completion]>([
    ['no call', { tools, tool_choice: 'required' }, completion('red')],
    [
      'no call of the tool',
      { tools, tool_choice: { type: 'function', function: { name: 'pick' } } },
      completion('red'),
    ],
    ['an end as a call without one', { tools }, completion('red', { finishReason: 'tool_calls' })],
    ['a call of another tool', { tools }, call('drop', '{}')],
    ['arguments that are no JSON', { tools }, call('pick', '{"c":')],
    ['a call where none is allowed', { tools, tool_choice: 'none' }, call('pick', '{}')],
    ['fewer answers than n', { n: 2 }, completion('red')],
    ['no log probabilities', { logprobs: true }, completion('red')],
    ['no other tokens beside them', { logprobs: true, top_logprobs: 2 }, withLogprobs({ top_logprobs: [] })],
    ['none of the prompt', { prompt_logprobs: 1 }, completion('red')],
    ['no stop', { stop: ['ed'] }, completion('reds')],
    ['none of the choices', { guided_choice: ['red', 'green'] }, completion('a red apple')],
    ['none of the choices', { structured_outputs: { choice: ['red'] } }, completion('green')],
    ['more than the pattern', { guided_regex: '[a-z]{3}' }, completion('reds')],
    ['more than the pattern', { structured_outputs: { regex: 'a|red' } }, completion('ared')],
  ])('fails by name: %s', async (_name, body, answer) => {
    expect(kindOf(await judgeBy(open(), chat('a', 'q', body), answer))).toBe('not-honoured');
  });

  test.each<[string, Partial<RequestBody>, Completion]>([
    ['the call', { tools, tool_choice: 'required' }, call('pick', '{"c":"red"}')],
    ['a call of its own choice', { tools }, call('pick', '')],
    ['a choice', { guided_choice: ['red', 'green'] }, completion('red')],
    ['a choice behind thinking', { guided_choice: ['red'] }, completion('<think>hm</think>\nred')],
    ['a text of the pattern', { structured_outputs: { regex: 'a|red' } }, completion('red')],
    ['a text before the stop', { stop: 'X' }, completion('red')],
  ])('passes where it is: %s', async (_name, body, answer) => {
    expect(kindOf(await judgeBy(open(), chat('a', 'q', body), answer))).toBe('completed');
  });

  test('an echo begins with the prompt', async () => {
    const echo: BatchRequest = {
      ...chat('a'),
      endpoint: '/v1/completions',
      body: { model: 'm', prompt: 'Say red', echo: true },
    };
    const said = (text: string): Completion => {
      const answer = completion('');
      answer.body.choices = [{ index: 0, text, finish_reason: 'stop' }];
      return answer;
    };
    const kinds = [];
    for (const text of ['Say red: red', 'red', 'Say red']) kinds.push(kindOf(await judgeBy(open(), echo, said(text))));
    expect(kinds).toEqual(['completed', 'not-honoured', 'empty']);
  });

  test('a key of a schema is read as response_format is, whatever its name', async () => {
    const schema = { type: 'object', required: ['c'] };
    for (const body of [{ guided_json: schema }, { structured_outputs: { json: schema } }, { format: schema }])
      expect(kindOf(await judgeBy(open(), chat('a', 'q', body), completion('{}')))).toBe('schema-invalid');
  });
});

describe('thinking that was not asked for', () => {
  const answerOf = (message: object, finishReason = 'stop'): Completion => {
    const answer = completion('red', { finishReason });
    answer.body.choices![0]!.message = { role: 'assistant', content: 'red', ...message };
    return answer;
  };
  const thoughts: [string, object][] = [
    ['reasoning_content', { reasoning_content: 'hm' }],
    ['reasoning', { reasoning: 'hm' }],
    ['thinking', { thinking: 'hm' }],
    ['a block at the head', { content: '<think>hm</think>\n\nred' }],
    ['a block that the template opened', { content: 'hm\n</think>\n\nred' }],
    ['a block behind an empty one', { content: '<think></think><think>hm</think>red' }],
    ['thinking alone', { content: '<think>hm' }],
  ];
  const ways: Partial<RequestBody>[] = [
    { think: false },
    { reasoning_effort: 'none' },
    { chat_template_kwargs: { enable_thinking: false } },
  ];

  test.each(thoughts)('makes an answer none: %s', async (_name, message) => {
    for (const body of ways) {
      const verdict = await judgeBy(open({ allowEmptyAnswers: true }), chat('a', 'q', body), answerOf(message));
      expect([kindOf(verdict), verdict]).toEqual([
        'not-honoured',
        expect.objectContaining({ rejected: expect.anything() }),
      ]);
    }
  });

  test('comes before the cut that it led to, and is found in any choice', async () => {
    const request = chat('a', 'q', { think: false, n: 2 });
    expect(kindOf(await judgeBy(open(), request, answerOf({ content: '<think>hm' }, 'length')))).toBe('not-honoured');
    const answer = answerOf({});
    answer.body.choices?.push({ ...answerOf({ reasoning: 'hm' }).body.choices![0]!, index: 1 });
    expect(await judgeBy(open(), request, answer)).toMatchObject({
      answer: { kind: 'not-honoured', message: expect.stringContaining('--think off') as string },
      rejected: { reasoning: 'hm' },
    });
  });

  test.each<[string, Partial<RequestBody>, object]>([
    ['nobody said how to think', {}, { reasoning_content: 'hm' }],
    ['it was asked for', { think: true }, { content: '<think>hm</think>red' }],
    ['a level was asked for', { reasoning_effort: 'low' }, { reasoning: 'hm' }],
    ['the block is empty', { think: false }, { content: '<think>\n\n</think>\n\nred' }],
    ['only the end of an empty block is there', { think: false }, { content: '</think>\n\nred' }],
    ['the field is blank', { think: false }, { reasoning_content: '\n' }],
    ['the answer writes of it', { think: false }, { content: 'Models think between <think> and </think>.' }],
  ])('is none where %s', async (_name, body, message) => {
    expect(kindOf(await judgeBy(open(), chat('a', 'q', body), answerOf(message)))).toBe('completed');
  });

  test('is none where the prompt wants that text', async () => {
    const answer = answerOf({ content: '<think>hm</think><answer>red</answer>' });
    const request = chat('a', 'Which colour?', { think: false, system: 'Reason in <think> tags, then answer.' });
    expect(kindOf(await judgeBy(open(), request, answer))).toBe('completed');
  });
});

test('what an engine does not hold, and what nobody checks, is said once', async () => {
  const notices: string[] = [];
  const verifier = open(
    {},
    { name: 'llama-cpp', unheldKeywords: () => ['pattern'], notify: ({ text }) => notices.push(text) },
  );
  const schema = {
    type: 'object',
    properties: { id: { type: 'string', pattern: '^x$', format: 'iri' } },
    require: ['id'],
  };
  const request = chat('a', 'q', { response_format: ofSchema(schema) });
  for (const content of ['{"id":"x"}', '{"id":"y"}']) await judgeBy(verifier, request, completion(content));
  expect(notices).toEqual([
    'schema: llama-cpp does not enforce `pattern`; each answer is checked',
    'schema: `require`, `format: iri` are unknown, and not checked',
  ]);
  expect(await judgeBy(verifier, request, completion('{"id":"y"}'))).toMatchObject({
    answer: { message: expect.stringContaining('llama-cpp does not enforce `pattern`') as string },
  });
  expect(await judgeBy(verifier, request, completion('{"id":', { finishReason: 'length' }))).toMatchObject({
    answer: { message: expect.stringContaining('does not enforce `pattern`') as string },
  });
});
