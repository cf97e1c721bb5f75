import { expect, test } from 'vitest';
import { type BatchRequest, type ReadLine, isRejected } from '../../src/core/request.ts';
import { type LineReading, readRequest } from '../../src/input/read-request.ts';
import { compilePromptTemplate } from '../../src/input/template/prompt-template.ts';
import { markBadRow } from '../../src/input/bad-row.ts';
import { noDefaults } from './scan-text.ts';

const read = (line: string | Buffer, defaults: Partial<LineReading> = {}, number = 7): ReadLine =>
  readRequest({ bytes: Buffer.from(line), tooLong: false }, number, { form: 'jsonl', ...noDefaults, ...defaults });

function request(line: object | string, defaults: Partial<LineReading> = {}): BatchRequest {
  const found = read(typeof line === 'string' ? line : JSON.stringify(line), defaults);
  if (isRejected(found)) throw new Error(found.reason);
  return found;
}

function reason(line: object | string | Buffer, defaults: Partial<LineReading> = {}): string | null {
  const found = read(typeof line === 'string' || Buffer.isBuffer(line) ? line : JSON.stringify(line), defaults);
  return isRejected(found) ? found.reason : null;
}

const user = { role: 'user', content: 'Hi' };

test('a batch line keeps its body as it is, and its other fields as the row', () => {
  const body = { model: 'gemma3:4b', messages: [user], temperature: 0.5, tools: [], unknown_key: { a: 1 } };
  const line = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body, note: 'kept' };
  expect(request(line, { model: null })).toEqual({
    id: 'a',
    line: 7,
    endpoint: '/v1/chat/completions',
    body,
    rowJson: '{"note":"kept"}',
  });
});

test.each([
  ['/v1/completions', { prompt: 'Once' }],
  ['/v1/embeddings', { input: 'a text' }],
  ['/v1/embeddings', { input: ['a', 'b'] }],
  ['/v1/chat/completions', { messages: [user] }],
])('a batch line goes to %s, by its url or without one by its body', (endpoint, body) => {
  const parameters = { custom_id: 'a', body };
  expect(request({ ...parameters, method: 'POST', url: endpoint })).toMatchObject({ endpoint, body });
  expect(request(parameters)).toMatchObject({ endpoint, body });
});

test('an embedding takes no settings of the run, since no text is generated; a form is kept, and refused by its name', () => {
  const response_format = { type: 'json_object' };
  const line = { custom_id: 'a', body: { input: 'a text' } };
  const { body } = request(line, { parameters: { temperature: 0, max_tokens: 9, response_format } });
  expect(body).toEqual({ model: 'mock', input: 'a text', response_format });
});

test('a line of messages takes its settings from the line, and leaves the other fields with the row', () => {
  const found = request(
    { id: 5, messages: [user], temperature: 0, max_tokens: 9, model: 'own', city: 'Lima' },
    { model: null },
  );
  expect(found).toMatchObject({
    id: '5',
    endpoint: '/v1/chat/completions',
    body: { model: 'own', messages: [user], temperature: 0, max_tokens: 9 },
    rowJson: '{"city":"Lima"}',
  });
  expect(found.body).not.toHaveProperty('city');
});

test('a prompt becomes a user message, behind its system prompt', () => {
  expect(request({ prompt: 'Hi', system: 'Be kind.' }).body.messages).toEqual([
    { role: 'system', content: 'Be kind.' },
    user,
  ]);
  expect(request({ prompt: 'Hi', system: null }).body.messages).toEqual([user]);
});

test.each([
  [{ custom_id: 'a', id: 'b', prompt: 'Hi' }, 'a'],
  [{ id: 'b', prompt: 'Hi' }, 'b'],
  [{ id: 0, prompt: 'Hi' }, '0'],
  [{ id: -1.5, prompt: 'Hi' }, '-1.5'],
  [{ custom_id: null, id: null, prompt: 'Hi' }, 'line-7'],
  [{ prompt: 'Hi' }, 'line-7'],
  [{ id: '__proto__', prompt: 'Hi' }, '__proto__'],
  ['{"note":{"id":7.0},"id" : 7.0,"prompt":"Hi"}', '7.0'],
  ['{"id":1,"prompt":"Hi","id":2.50}', '2.50'],
  ['{"custom_id":12345678901234567890,"prompt":"Hi"}', '12345678901234567890'],
  ['{"id":-9007199254740993,"prompt":"Hi"}', '-9007199254740993'],
])('the id of %j is %s', (line, id) => {
  expect(request(line).id).toBe(id);
});

test.each([
  [{ id: {}, prompt: 'Hi' }, 'id is {}, not a text or a number'],
  [{ id: true, prompt: 'Hi' }, 'id is true, not a text or a number'],
  [{ custom_id: '', id: 1, prompt: 'Hi' }, 'custom_id is empty'],
  [{ id: ' ', prompt: 'Hi' }, 'id is empty'],
])('the id of %j is refused by name', (line, wanted) => {
  expect(reason(line)).toBe(wanted);
});

test('the field that --id-field names is the id, and must be there', () => {
  const reasonOf = (line: object): string | null => reason(line, { idField: 'sku' });
  expect(request('{"id":1,"prompt":"Hi","sku":90071992547409931}', { idField: 'sku' }).id).toBe('90071992547409931');
  expect(reasonOf({ skuu: 1, prompt: 'Hi' })).toBe(
    'no field "sku", which --id-field names; the row has: skuu, prompt; did you mean "skuu"?',
  );
  expect(reasonOf({ prompt: 'Hi', sku: null })).toBe('sku is empty, which --id-field names');
  expect(reasonOf({ prompt: 'Hi', sku: [1] })).toBe('sku is [1], not a text or a number, which --id-field names');
  expect(reason({ prompt: 'Hi' }, { idField: 'toString' })).toContain('no field "toString"');
  const long = 'x'.repeat(70);
  expect(reason({ [long]: 'a', prompt: 'Hi' }, { idField: `${long}s` })).toBe(
    `no field "${long}s", which --id-field names; the row has: ${long}, prompt`,
  );
});

test('--id-field takes a dotted path into what MongoDB and others nest, digit by digit', () => {
  const mongo = '{"_id":{"$oid":"507f"},"num":{"$numberLong":9007199254740993},"prompt":"Hi"}';
  expect(request(mongo, { idField: '_id.$oid' }).id).toBe('507f');
  expect(request(mongo, { idField: 'num.$numberLong' }).id).toBe('9007199254740993');
  expect(request('{"a.b":1,"a":{"b":2},"prompt":"Hi"}', { idField: 'a.b' }).id).toBe('1');
  expect(reason({ prompt: 'Hi', _id: { $oid: 'a' } }, { idField: '_id' })).toContain("(in it: --id-field '_id.$oid')");
  expect(reason({ prompt: 'Hi', _id: null }, { idField: '_id.$oid' })).toContain('_id.$oid is empty');
});

test('a column of a table is its id in capital letters too, where there is none in small ones', () => {
  const idOf = (line: object, form: LineReading['form']): string => read(JSON.stringify(line), { form }).id;
  expect(idOf({ ID: 'a', prompt: 'Hi' }, 'csv')).toBe('a');
  expect(idOf({ Id: 'a', id: 'b', prompt: 'Hi' }, 'tsv')).toBe('b');
  expect(idOf({ ID: 'a', prompt: 'Hi' }, 'jsonl')).toBe('line-7');
});

test("a line's own value beats a flag, and -m replaces the model", () => {
  const parameters = { temperature: 0, max_tokens: 64, seed: 1 };
  const { body } = request({ prompt: 'Hi', model: 'own', temperature: 0.7, seed: null }, { parameters, model: 'flag' });
  expect(body).toMatchObject({ model: 'flag', temperature: 0.7, max_tokens: 64, seed: 1 });
});

test('a line that says how to think, by whichever word, is told nothing else', () => {
  const parameters = { think: false };
  expect(request({ prompt: 'Hi' }, { parameters }).body).toMatchObject(parameters);
  const own = [{ think: 'low' }, { reasoning_effort: 'low' }, { chat_template_kwargs: { enable_thinking: true } }];
  for (const keys of own) {
    const { body } = request({ prompt: 'Hi', ...keys }, { parameters });
    expect(body).toMatchObject(keys);
    expect(body['think']).not.toBe(false);
  }
});

test('max_completion_tokens of a line is its max_tokens', () => {
  const { body } = request({ prompt: 'Hi', max_completion_tokens: 5 }, { parameters: { max_tokens: 64 } });
  expect(body).not.toHaveProperty('max_tokens');
});

test('--system goes before chats that have no system prompt of their own', () => {
  const system = 'From the flag.';
  const own = [{ role: 'developer', content: 'Own.' }, user];
  expect(request({ messages: [user] }, { system }).body.messages).toEqual([{ role: 'system', content: system }, user]);
  expect(request({ messages: own }, { system }).body.messages).toEqual(own);
  expect(request({ prompt: 'Hi', system: 'Own.' }, { system }).body.messages?.[0]?.content).toBe('Own.');
  expect(request({ body: { prompt: 'Hi' } }, { system }).body).not.toHaveProperty('messages');
});

test('the defaults are shared by all lines and changed by none', () => {
  const parameters = { stop: ['\n'] };
  const defaults = { ...noDefaults, parameters, system: 'One' };
  const [first, second] = [request({ prompt: 'a' }, defaults), request({ prompt: 'b' }, defaults)];
  expect(parameters).toEqual({ stop: ['\n'] });
  expect([first.body.messages?.[1]?.content, second.body.messages?.[1]?.content]).toEqual(['a', 'b']);
});

test.each([
  ['[]', 'not a JSON object but a list'],
  ['null', 'not a JSON object but null'],
  ['7', 'not a JSON object but a number'],
  ['"text"', 'not a JSON object but a string'],
  ['{}', 'no prompt'],
  ['{"question":"?"}', '--prompt-template'],
  ['{"prompt":42}', '"prompt" is a number, not a text'],
  ['{"prompt":""}', '"prompt" is empty'],
  ['{"prompt":"Hi","system":7}', '"system" is a number'],
  ['{"messages":[]}', '"messages" is empty'],
  ['{"messages":"Hi"}', '"messages" is a string'],
  ['{"messages":null}', '"messages" is null'],
  ['{"messages":[null]}', 'messages[0]: is null, not an object'],
  ['{"messages":[{"content":"Hi"}]}', 'messages[0]: "role" is undefined'],
  ['{"messages":[{"role":"user"}]}', 'messages[0]: "content" is missing'],
  ['{"messages":[{"role":"user","content":42}]}', 'messages[0]: "content" is a number'],
  ['{"messages":[{"role":"user","content":[{"text":"a"}]}]}', 'a part without a "type"'],
  ['{"messages":[{"role":"user","content":[{"type":"text","text":{"toString":1}}]}]}', 'a part whose "text" is'],
  ['{"custom_id":"a","body":"Hi"}', '"body" is not an object'],
  ['{"custom_id":"a","method":"GET","body":{}}', '"method" is "GET", not "POST"'],
  ['{"custom_id":"a","url":"/v1/images","body":{}}', '"url" is "/v1/images", not one of'],
  ['{"body":{"input":[]}}', '"input" is a list, not a text'],
  ['{"body":{"input":["a",""]}}', '"input" is empty'],
  ['{"body":{"prompt":["a"]}}', '"prompt" is a list, not a text'],
])('%s is refused: %s', (line, wanted) => {
  expect(reason(line)).toContain(wanted);
});

test.each([
  ['{"prompt":"Hi","temperature":1e999}', '"temperature" contains a number that is too large for JSON'],
  ['{"body":{"prompt":"Hi","logit_bias":{"7":-1e400}}}', '"logit_bias" contains a number'],
  ['{"messages":[{"role":"user","content":"Hi","n":[1e309]}]}', '"messages" contains a number'],
  ['{"prompt":"Hi","seed":123456789012345678}', '"seed" is outside of ±2^53, so it would be rounded'],
  ['{"body":{"prompt":"Hi","seed":-9007199254740993}}', '"seed" is outside of ±2^53'],
])('%s is refused, since another number would be sent: %s', (line, wanted) => {
  expect(reason(line)).toContain(wanted);
});

test('the largest numbers that can be sent are no mistake', () => {
  const body = { prompt: 'Hi', seed: 2 ** 53 - 1, top_p: Number.MAX_VALUE, min_p: 5e-324, n: null, stop: ['a'] };
  expect(request({ body }).body).toEqual({ ...body, model: 'mock' });
});

test('an assistant turn may be without content (it called a tool)', () => {
  expect(reason({ messages: [user, { role: 'assistant', content: null, tool_calls: [] }, user] })).toBeNull();
});

test('a model must come from the line or from -m', () => {
  expect(reason({ prompt: 'Hi' }, { model: null })).toContain('no model: add -m <model>');
  expect(reason({ prompt: 'Hi', model: 7 }, { model: null })).toBe('"model" is 7, not the name of one');
  expect(reason({ prompt: 'Hi', model: '' }, { model: null })).toContain('not the name of one');
});

test.each([
  ['cut short', '{"custom_id":"a","prompt":"H'],
  ['a NUL', '{"id":"nul","prompt":"a\0b"}'],
  ['two objects', '{}{}'],
  ['single quotes', "{'id':1}"],
  ['nothing behind a byte order mark', '\uFEFF'],
])('%s is not JSON', (_name, line) => {
  expect(reason(line)).toMatch(/^not JSON: /);
});

test.each([[[0xff]], [[0xc3]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xe2, 0x82]]])(
  'the bytes %j are not UTF-8',
  (bytes) => {
    expect(reason(Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from(bytes), Buffer.from('"}')]))).toMatch(
      /^not valid UTF-8/,
    );
  },
);

test.each([String.raw`\ud800`, String.raw`\uDFFF`, String.raw`\udc00\ud800`, String.raw`\ud83d x`])(
  'the lone surrogate in "%s" is refused wherever it stands',
  (text) => {
    const lines = [`{"prompt":"a${text}b"}`, `{"prompt":"a","${text}":1}`, `{"prompt":"a","row":{"deep":["${text}"]}}`];
    expect(lines.map((line) => reason(line))).toEqual(Array(3).fill(expect.stringContaining('lone surrogate')));
  },
);

test('escaped pairs, and backslashes before a u, are text', () => {
  expect(request(String.raw`{"prompt":"\ud83d\ude00 \\ud800 C:\\users\\dan"}`).body.messages?.[0]?.content).toBe(
    String.raw`😀 \ud800 C:\users\dan`,
  );
});

test.each([
  ['lists', '[', ']'],
  ['objects', '{"a":', '}'],
])('100,000 levels of %s are refused, and 100 are not', (_name, open, close) => {
  const nested = (levels: number): string => `{"prompt":"Hi","extra":${open.repeat(levels)}1${close.repeat(levels)}}`;
  expect(reason(nested(100_000))).toMatch(/^nested more than \d+ levels deep$/);
  expect(reason(nested(100))).toBeNull();
});

test('the deepest nesting that is let through can be written again', () => {
  const atLevel = Array.from({ length: 2000 }, (_, levels) => `${'['.repeat(levels)}1${']'.repeat(levels)}`);
  const taken = atLevel.map((extra) => `{"prompt":"Hi","extra":${extra}}`).findLast((line) => reason(line) === null);
  expect(request(taken ?? '').rowJson).toContain('['.repeat(100));
});

test('a byte order mark is tolerated on the first line, and nowhere else', () => {
  expect(isRejected(read('\uFEFF{"prompt":"Hi"}', {}, 1))).toBe(false);
  expect(isRejected(read('\uFEFF{"prompt":"Hi"}', {}, 2))).toBe(true);
});

test('a carriage return and spaces around the object are no part of it', () => {
  expect(request(' \t{"id":"a","prompt":"Hi"} \r').body.messages).toEqual([user]);
});

test('a line longer than 64 MB is refused', () => {
  const long = readRequest({ bytes: Buffer.alloc(0), tooLong: true }, 3, { form: 'jsonl', ...noDefaults });
  expect(long).toEqual({ id: 'line-3', line: 3, reason: 'longer than 64 MB' });
});

test('a field called __proto__ is data and changes nothing', () => {
  const found = request('{"__proto__":{"prompt":"polluted"},"id":"a","prompt":"Hi"}');
  expect(found.body.messages).toEqual([user]);
  expect(found.rowJson).toBe('{"__proto__":{"prompt":"polluted"}}');
  expect(({} as Record<string, unknown>)['prompt']).toBeUndefined();
});

test('of a line that fills a template the whole row stays, as it is written', async () => {
  const template = await compilePromptTemplate('Say {{name}}');
  const row = '{"id":7, "tweet":1790000000000000123,"2":1.10,"1":1e3,"name":"Ada","body":"b"}';
  expect(request(`${row} \r`, { template }).rowJson).toBe(row);
  expect(request('{"id":1,"messages":[{"role":"user","content":"Hi"}],"name":"Ada"}', { template }).rowJson).toBe(
    '{"name":"Ada"}',
  );
});

test.each([
  ['without a field of the template', '{"id":"a","note":1.0}', true],
  ['whose id is none', '{"id":[],"name":"Ada"}', true],
  ['that no format fits', '{"id":"a","question":"?"}', false],
])('the row stays with a bad line %s', async (_name, row, isFilled) => {
  const template = isFilled ? await compilePromptTemplate('Say {{name}}') : null;
  expect(read(row, { template })).toMatchObject({ reason: expect.any(String), rowJson: row });
});

test('of a bad line that is a request only the other fields stay', () => {
  expect(read('{"id":"a","prompt":"","note":1.0}')).toMatchObject({ rowJson: '{"note":1.0}' });
  expect(read('{"id":"a","prompt":""}')).not.toHaveProperty('rowJson');
  expect(read('{"id":"a","note":')).not.toHaveProperty('rowJson');
});

test('a rejected line says its own id where it has one', () => {
  expect(read('{"id":"mine","prompt":""}')).toEqual({ id: 'mine', line: 7, reason: '"prompt" is empty' });
});

test('a line that begins as a row of a table that could not be read is believed in what a table became alone', () => {
  const marked = markBadRow({ reason: '3 columns, where the header has 2' });
  expect(reason(marked, { form: 'csv' })).toBe('3 columns, where the header has 2');
  expect(reason(marked)).toMatch(/^not JSON: /);
});

test('a model has no name that a terminal acts on', () => {
  for (const model of ['\u001B[31m', 'a\nb', 'a\u202Eb'])
    expect(reason({ prompt: 'Hi', model }, { model: null })).toMatch(
      /^"model" contains a character that is not allowed in a name: "[ -~]+"$/,
    );
});
