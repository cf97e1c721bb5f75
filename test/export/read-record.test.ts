import { describe, expect, test } from 'vitest';
import { createSurvey, noteRecord, tableColumns } from '../../src/export/columns.ts';
import { pickFields } from '../../src/export/pick-fields.ts';
import { readExportRecord } from '../../src/export/read-record.ts';

/** A line as OpenAI's Batch API writes it, with the body that is given. */
const hosted = (body: object, id = 'a'): string =>
  JSON.stringify({
    id: 'batch_req_1',
    custom_id: id,
    response: { status_code: 200, request_id: 'x', body },
    error: null,
  });
const chat = (message: object): object => ({ choices: [{ index: 0, message, finish_reason: 'stop' }] });

/** A line as llmbatch writes it, whose row and details are given as text. */
const own = (content: string, details = ''): string =>
  `{"id":"batch_req_1_1","custom_id":"a","response":{"status_code":200,"request_id":"x","body":{"choices":[{"message":{"content":${JSON.stringify(content)}}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}},"error":null,"llmbatch":{"line":1${details}}}`;

/** The cells of each line, by the names of their columns, without those that are empty. */
function table(lines: string[], fields?: string[]): Record<string, string>[] {
  const records = lines.map(readExportRecord);
  const survey = createSurvey(fields !== undefined);
  for (const record of records) noteRecord(survey, record);
  const all = tableColumns(survey);
  const columns = fields === undefined ? all : pickFields(fields, all, survey);
  return records.map((record) =>
    Object.fromEntries(
      columns.flatMap(({ name, cellOf }) => {
        const cell = cellOf(record);
        return cell === undefined ? [] : [[name, cell]];
      }),
    ),
  );
}

const names = (line: string): string[] => {
  const survey = createSurvey(false);
  noteRecord(survey, readExportRecord(line));
  return tableColumns(survey).map(({ name }) => name);
};

describe('a table of results', () => {
  test('keeps every digit of rows and of answers, asked for or unwrapped', () => {
    const json = '{ "id": 1234567890123456789, "share": 0.10 }';
    const parsed = ',"parsed":{"id":1234567890123456800,"share":0.1}';
    const row = ',"row":{"number": 98765432109876543210, "price":1.50}';
    const cells = { 'answer.id': '1234567890123456789', share: '0.10', number: '98765432109876543210', price: '1.50' };
    const tokens = { id: '"a"', prompt_tokens: '3', completion_tokens: '4' };
    expect(table([own(json, parsed + row)])).toEqual([{ ...tokens, ...cells }]);
    expect(table([own(`\`\`\`json\n${json}\n\`\`\``, `,"unwrapped":"fence"${parsed}${row}`)])).toEqual([
      { ...tokens, ...cells },
    ]);
  });

  test('takes the keys of answers that nobody asked as JSON only where all are objects', () => {
    const json = hosted(chat({ content: '{"score":1}' }));
    expect(table([json])).toEqual([{ id: '"a"', score: '1' }]);
    expect(table([json, hosted(chat({ content: 'no' }), 'b')])).toEqual([
      { id: '"a"', answer: String.raw`"{\"score\":1}"` },
      { id: '"b"', answer: '"no"' },
    ]);
  });

  test('keeps apart what has one name', () => {
    const details = ',"parsed":{"name":"x","error_code":1},"row":{"name":"n","answer":"q","id":7}';
    expect(names(own('{"name":"x","error_code":1}', details))).toEqual([
      ...['id', 'name', 'answer', 'row.id', 'answer.name', 'answer.error_code'],
      ...['error_code', 'error_message', 'prompt_tokens', 'completion_tokens'],
    ]);
    expect(names(own('hi', ',"row":{"answer":"q","id":"a"}')).slice(0, 3)).toEqual(['id', 'row.answer', 'answer']);
  });

  test.each<[string, object, Record<string, string>]>([
    ['a completion', { choices: [{ text: 'hi' }] }, { answer: '"hi"' }],
    ['several choices', { choices: [{ text: 'a' }, { text: 'b' }] }, { answer: '["a","b"]' }],
    ['one vector', { data: [{ embedding: [0.1, 2] }] }, { embedding: '[0.1,2]' }],
    ['several vectors', { data: [{ embedding: [1] }, { embedding: [2] }] }, { embedding: '[[1],[2]]' }],
    ['calls', chat({ content: null, tool_calls: [{ id: 'c' }] }), { tool_calls: '[{"id":"c"}]' }],
    ['a refusal', chat({ content: null, refusal: 'I won’t' }), { error_code: '"refused"', error_message: '"I won’t"' }],
    [
      'a response',
      { output: [{ content: [{ type: 'output_text', text: 'hi' }] }], usage: { input_tokens: 1, output_tokens: 2 } },
      { answer: '"hi"', prompt_tokens: '1', completion_tokens: '2' },
    ],
  ])('reads %s', (_, body, cells) => {
    expect(table([hosted(body)])).toEqual([{ id: '"a"', ...cells }]);
  });

  test('finds its parts between blanks, and behind names and values that look like them', () => {
    const line = String.raw` { "custom_id" : "a" , "x" : {"error":"no","a":[{},[],"\"]}",-1.5e3] } , "error" : null ,
      "response" : { "status_code" : 200 , "body" : { "choices" : [ { "message" : { "content" : "{\"b\": [1, 2]}" } } ] } } ,
      "llmbatch" : { "row" : { } , "parsed" : {"b":[1,2]} , "usage" : { } } } `;
    expect(table([line])).toEqual([{ id: '"a"', b: '[1, 2]' }]);
  });

  test('reads the failures of other programs', () => {
    const response = { status_code: 429, body: { error: { message: 'slow down', type: 'rate_limit', code: null } } };
    const failed = { custom_id: 'a', response, error: null };
    const expired = { custom_id: 'b', response: null, error: { code: 'batch_expired', message: 'too late' } };
    expect(table([failed, expired].map((line) => JSON.stringify(line)))).toEqual([
      { id: '"a"', error_code: '"rate_limit"', error_message: '"slow down"' },
      { id: '"b"', error_code: '"batch_expired"', error_message: '"too late"' },
    ]);
  });

  test('has the fields that are named, from the table, the row, the answer and the result', () => {
    const line = own(
      '{"score":{"of":[1,2]}}',
      ',"attempts":2,"parsed":{"score":{"of":[1,2]}},"row":{"first.name":"n","score":9}',
    );
    const fields = [
      'score',
      'parsed.score.of.1',
      'first.name',
      'row.first.name',
      'answer',
      'llmbatch.attempts',
      'usage.prompt_tokens',
      'response.body.choices.0.message.content',
      'custom_id',
    ];
    expect(Object.values(table([line], fields)[0] ?? {})).toEqual([
      ...['9', '2', '"n"', '"n"', '{"score":{"of":[1,2]}}', '2', '3', String.raw`"{\"score\":{\"of\":[1,2]}}"`, '"a"'],
    ]);
  });

  test.each([
    ['nmae', '"name"'],
    ['row.nmae', '"row.name"'],
    ['llmbatch.atempts', '"llmbatch.attempts"'],
    ['chioces.0.message', '"choices.0.message"'],
  ])('refuses %s, and names %s', (field, like) => {
    expect(() => table([own('hi', ',"row":{"name":1}')], [field])).toThrow(like);
  });
});
