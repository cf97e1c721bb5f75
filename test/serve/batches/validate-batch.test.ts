import { gzipSync } from 'node:zlib';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type ValidatedBatch, validateBatch } from '../../../src/serve/batches/validate-batch.ts';
import { mockSettings } from '../../helpers/start-run.ts';
import { batchLine, openTestStore } from '../open-test-store.ts';

const settings = { ...mockSettings, model: null };

async function validate(
  text: string | Buffer,
  { isLenient = false, model = null }: { isLenient?: boolean; model?: string | null } = {},
): Promise<ValidatedBatch> {
  const { store, add } = await openTestStore();
  const record = await add('');
  await writeFile(store.batches.pathsOf(record.id).input, text);
  const { signal } = new AbortController();
  const options = { store, settings: { ...settings, model }, signal };
  return validateBatch(record, { ...options, isLenient });
}

const good = batchLine('good');

test.each([
  ['not JSON', '{"custom_id": "a"', 'invalid_json_line', null],
  ['no object', '[1]', 'invalid_json_line', null],
  ['not UTF-8', Buffer.from('{"custom_id":"\xff"}', 'latin1'), 'invalid_json_line', null],
  ['without custom_id', batchLine('x', { custom_id: undefined }), 'missing_required_parameter', 'custom_id'],
  ['with a number as custom_id', batchLine('x', { custom_id: 5 }), 'missing_required_parameter', 'custom_id'],
  ['with a blank custom_id', batchLine('x', { custom_id: ' ' }), 'missing_required_parameter', 'custom_id'],
  ['that repeats an id', good, 'duplicate_custom_id', 'custom_id'],
  ['with another method', batchLine('x', { method: 'GET' }), 'invalid_method', 'method'],
  ['with a method that is no text', batchLine('x', { method: 1 }), 'invalid_method', 'method'],
  ['without a body', batchLine('x', { body: undefined }), 'missing_required_parameter', 'body'],
  ['with a body that is no object', batchLine('x', { body: 'text' }), 'missing_required_parameter', 'body'],
  ['with a null body', batchLine('x', { body: null }), 'missing_required_parameter', 'body'],
  ['with messages in place of a body', '{"custom_id":"x","messages":[]}', 'missing_required_parameter', 'body'],
  [
    'for another endpoint',
    batchLine('x', { url: '/v1/embeddings', body: { model: 'm', input: 'x' } }),
    'url_mismatch',
    'url',
  ],
  [
    'for another endpoint by its body alone',
    batchLine('x', { url: undefined, body: { model: 'm', input: 'x' } }),
    'url_mismatch',
    'url',
  ],
  ['for an API that is not served', batchLine('x', { url: '/v1/responses' }), 'url_mismatch', 'url'],
  [
    'that asks for a stream',
    batchLine('x', { body: { model: 'm', stream: true, messages: [{ role: 'user', content: 'x' }] } }),
    'streaming_unsupported',
    'body.stream',
  ],
])('a line %s fails the batch, with its number', async (_what, line, code, param) => {
  const validated = await validate(Buffer.concat([Buffer.from(`${good}\n`), Buffer.from(line), Buffer.from('\n')]));
  expect(validated.errors).toEqual([{ code, param, line: 3, message: expect.stringMatching(/\S \S/) }]);
  expect([validated.counts.total, validated.models]).toEqual([0, []]);
});

test.each([
  ['with its endpoint as Azure writes it', batchLine('x', { url: '/chat/completions' })],
  ['with a whole address', batchLine('x', { url: 'https://host/v1/chat/completions' })],
  ['without method and url', batchLine('x', { method: undefined, url: undefined })],
  ['with a small method', batchLine('x', { method: 'post' })],
  [
    'with what changes nothing',
    batchLine('x', { body: { model: 'mock', stream: false, n: 1, messages: [{ role: 'user', content: 'x' }] } }),
  ],
  ['behind a byte order mark, with CRLF', `\uFEFF${batchLine('x').replace('\n', '\r\n')}`],
  ['without a line feed at its end', batchLine('x').trimEnd()],
  ['in gzip', gzipSync(batchLine('x'))],
])('a line %s is taken', async (_what, text) => {
  expect(await validate(text)).toMatchObject({ errors: [], models: ['mock'], counts: { total: 1 } });
});

test('a line whose body no engine would take fails alone, as the answer of an API would', async () => {
  const bad = batchLine('bad', { body: { model: 'mock', messages: [] } });
  expect(await validate(bad + good)).toMatchObject({ errors: [], counts: { total: 2 } });
});

test('where no line is left to be run the batch fails by them', async () => {
  const bad = batchLine('bad', { body: { model: 'mock', messages: [] } });
  const error = { code: 'invalid_request', message: '"messages" is empty', param: null, line: 1 };
  expect((await validate(bad)).errors).toEqual([error]);
  expect((await validate(bad, { isLenient: true })).errors).toEqual([error]);
});

test.each(['', '\n \n\r\n'])('a file without a request fails as empty: %j', async (text) => {
  for (const isLenient of [false, true]) {
    const { errors } = await validate(text, { isLenient });
    expect(errors).toEqual([{ code: 'empty_file', message: expect.any(String), param: 'input_file_id', line: null }]);
  }
});

test('lenient, bad lines stay for the run, and all of them count', async () => {
  const lines = ['bad', batchLine('a', { method: 'GET' }), good, good, batchLine('b', { body: { messages: [] } })];
  expect(await validate(lines.join('\n'), { isLenient: true })).toEqual({
    errors: [],
    models: ['mock'],
    counts: { total: 5, completed: 0, failed: 0 },
  });
});

test('several models are told in the order of their lines; with -m there is that one', async () => {
  const lines = ['b', 'a', 'b'].map((model, n) =>
    batchLine(`${n}`, { body: { model, messages: [{ role: 'user', content: 'x' }] } }),
  );
  expect((await validate(lines.join(''))).models).toEqual(['b', 'a']);
  expect((await validate(lines.join(''), { model: 'mine' })).models).toEqual(['mine']);
});

test('at most 100 errors are told, the first ones', async () => {
  const { errors } = await validate('bad\n'.repeat(1000));
  expect(errors).toHaveLength(100);
  expect(errors.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
});

test('what is no text file is told without its place on the server', async () => {
  const { errors } = await validate(Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]));
  expect(errors).toMatchObject([{ code: 'invalid_file', line: null, message: expect.stringContaining('the file') }]);
  expect(errors[0]?.message).not.toContain('/');
});

test('an end of the server ends the validation with its reason', async () => {
  const { store, add } = await openTestStore();
  const record = await add(good);
  const signal = AbortSignal.abort(new Error('the server ends'));
  await expect(validateBatch(record, { store, settings, isLenient: false, signal })).rejects.toThrow('the server ends');
});
