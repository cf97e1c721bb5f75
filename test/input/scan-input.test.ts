import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BatchRequest, type RejectedLine, isRejected } from '../../src/core/request.ts';
import { planGroups } from '../../src/input/plan-rows.ts';
import { noDefaults, reasons, scanText, summarise } from './scan-text.ts';

const fixture = (name: string): Promise<Buffer> => readFile(new URL(`../../fixtures/inputs/${name}`, import.meta.url));
const line = (model: string, system: string): string => `${JSON.stringify({ model, system, prompt: 'x' })}\n`;
const script = new URL('../../scripts/fuzz-lines.mjs', import.meta.url).pathname;

test('every broken line of the fixture is refused with its reason, and the good ones are taken', async () => {
  const { scan, rows } = await scanText(await fixture('broken-lines.jsonl'));
  expect(scan.counts).toEqual({ lines: 24, requests: 2, rejected: 21 });
  expect(reasons(rows)).toEqual({
    'line-2': expect.stringMatching(/^not JSON: /),
    'line-3': expect.stringMatching(/^not JSON: /),
    'line-4': 'not a JSON object but a list',
    'line-5': 'not a JSON object but a string',
    'line-6': 'not a JSON object but null',
    'line-7': expect.stringMatching(/^no prompt/),
    'no-prompt': expect.stringMatching(/^no prompt/),
    'empty-messages': '"messages" is empty',
    'messages-text': '"messages" is a string',
    'no-role': 'messages[0]: "role" is undefined, not a text',
    'content-number': 'messages[0]: "content" is a number, not a text or a list of parts',
    'prompt-number': '"prompt" is a number, not a text',
    'max-tokens-text': '"max_tokens" is "many", not a whole number',
    'line-15': expect.stringContaining('id is {"an":"object"}, not a text or a number'),
    'no-body': expect.stringMatching(/^no prompt/),
    'body-text': '"body" is not an object',
    'unknown-url': expect.stringMatching(/^"url" is "\/v1\/images\/generations"/),
    get: '"method" is "GET", not "POST"',
    'not-utf8': expect.stringContaining('not valid UTF-8'),
    'line-21': expect.stringMatching(/^not JSON: /),
    'line-22': 'the id "good-first" was seen before, on line 1',
  });
});

test('every line of the good fixtures becomes a request', async () => {
  for (const name of ['messages.jsonl', 'prompts.jsonl']) {
    const { scan } = await scanText(await fixture(name));
    expect(scan.counts.rejected).toBe(0);
  }
});

test('an id counts where it is first seen, and a line without one yields to it', async () => {
  const { rows } = await scanText(await fixture('duplicate-ids.jsonl'));
  expect(summarise(rows)).toEqual([
    ['a', null],
    ['b', null],
    ['line-3', 'the id "a" was seen before, on line 1'],
    ['line-4', 'the id "b" was seen before, on line 2'],
    ['line-5', null],
    ['line-7', null],
    ['line-7-rejected', 'the id "line-7" was seen before, on line 6'],
    ['line-8', 'the id "a" was seen before, on line 1'],
    ['c', null],
  ]);
});

test('every row has an id of its own, whoever listens', async () => {
  const text =
    '{"id":"a","prompt":"x"}\nbad\n{"id":"a","prompt":"y"}\n{"id":"line-2","prompt":"z"}\n{"id":7}\n{"id":7}\n';
  const heard: RejectedLine[] = [];
  const quiet = await scanText(text);
  const listened = await scanText(text, { onRejected: (rejected) => heard.push(rejected) });
  const ids = quiet.rows.map(({ id }) => id);
  expect(ids).toEqual(['a', 'line-2', 'line-3', 'line-4', '7', 'line-6']);
  expect(ids.map(quiet.scan.table.find)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(listened.rows).toEqual(quiet.rows);
  expect(heard.map(({ id }) => id)).toEqual(ids.slice(1));
});

test('the text of the row is made for a request that is sent, and not for one that is looked at', async () => {
  const seen: BatchRequest[] = [];
  const { rows } = await scanText('{"id":"a","prompt":"x","note":1.0}\n', { onRequest: (found) => seen.push(found) });
  expect(seen).toMatchObject([{ id: 'a', row: { id: 'a', prompt: 'x', note: 1 } }]);
  expect(seen[0]).not.toHaveProperty('rowJson');
  expect(rows).toMatchObject([{ id: 'a', rowJson: '{"note":1.0}' }]);
  expect(rows[0]).not.toHaveProperty('row');
});

describe('blank lines', () => {
  test('are no requests, and count in the line numbers', async () => {
    const { scan, rows } = await scanText('\n  \n\t\r\n{"prompt":"x"}\r\n\r\n{"prompt":"y"}');
    expect(summarise(rows)).toEqual([
      ['line-4', null],
      ['line-6', null],
    ]);
    expect(scan.counts).toEqual({ lines: 6, requests: 2, rejected: 0 });
  });

  test.each(['', '\n', '\r\n \n'])('%j has no requests at all', async (text) => {
    const { scan } = await scanText(text);
    expect([scan.table.size, scan.models.length]).toEqual([0, 0]);
  });
});

test('a byte order mark, carriage returns and a missing last line feed are tolerated', async () => {
  const { rows } = await scanText('\uFEFF{"id":"a","prompt":"x"}\r\n{"id":"b","prompt":"y"}');
  expect(summarise(rows)).toEqual([
    ['a', null],
    ['b', null],
  ]);
});

test('requests are grouped by model and system prompt, numbered by their first row', async () => {
  const text = line('m', 's') + line('m', 't') + line('n', 's') + line('m', 's') + '{"prompt":1}\n' + line('n', 's');
  const { scan } = await scanText(text, {
    defaults: { model: null, system: null, template: null, parameters: {}, idField: null },
  });
  expect(scan.groups).toEqual([
    { model: 'm', firstRow: 0, requests: 2, systemPromptLength: 1 },
    { model: 'm', firstRow: 1, requests: 1, systemPromptLength: 1 },
    { model: 'n', firstRow: 2, requests: 2, systemPromptLength: 1 },
  ]);
  expect(scan.models).toEqual(['m', 'n']);
  expect([0, 1, 2, 3, 5].map(scan.table.group)).toEqual([0, 1, 2, 0, 2]);
});

test('a limit takes the first rows, good or bad, and counts all lines', async () => {
  const { scan, rows } = await scanText('bad\n{"id":"a","prompt":"x"}\n\n{"id":"b","prompt":"y"}\n', { limit: 2 });
  expect(rows.map(({ id }) => id)).toEqual(['line-1', 'a']);
  expect(scan.counts).toEqual({ lines: 4, requests: 1, rejected: 1 });
});

test('what a row was read as the first time, it is read as again', async () => {
  const id = fc.constantFrom('a', 'b', 'line-1', 'line-2', 'line-3', 'line-2-rejected', 7, null, {}, '');
  const anyLine = fc.oneof(
    fc.record({ id, prompt: fc.constantFrom('x', '', 3) }).map((row) => JSON.stringify(row)),
    fc.constantFrom('bad', '', '{"prompt":"no id"}', '{}'),
  );
  const run = fc.asyncProperty(fc.array(anyLine, { maxLength: 12 }), async (lines) => {
    const heard: RejectedLine[] = [];
    const { scan, rows } = await scanText(lines.join('\n'), {
      onRejected: ({ row: _parsed, ...rejected }) => heard.push(rejected),
    });
    expect(rows.filter(isRejected).map((row) => ({ ...row, rowJson: undefined }))).toEqual(heard);
    const requests = rows.filter((row) => !('reason' in row)).map((row) => row.id);
    expect(new Set(requests).size).toBe(requests.length);
    expect(requests.every((found) => rows[scan.table.find(found)]?.id === found)).toBe(true);
  });
  await fc.assert(run, { numRuns: 200 });
});

test('of 5,000 hostile lines each one that is not blank becomes a request or a rejected line', async () => {
  const run = promisify(execFile);
  const { stdout, stderr } = await run(process.execPath, [script, '--count', '5000', '--seed', '7'], {
    encoding: 'buffer',
    maxBuffer: 2 ** 28,
  });
  const { scan, rows } = await scanText(stdout);
  expect(scan.counts.requests + scan.counts.rejected).toBe(Number(stderr.toString()));
  expect(scan.counts.requests).toBeGreaterThan(1000);
  expect(scan.counts.rejected).toBeGreaterThan(1000);
  expect(rows.filter((row) => 'reason' in row)).toHaveLength(scan.counts.rejected);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
});

test('a model and a system prompt are no group of another model and prompt that read the same side by side', async () => {
  const { scan } = await scanText(line('m you', 's') + line('m', 'you s'), {
    defaults: { ...noDefaults, model: null },
  });
  expect(scan.groups.map(({ model, requests }) => [model, requests])).toEqual([
    ['m you', 1],
    ['m', 1],
  ]);
});

// In the square of the models it would take half a minute of a processor; what else runs on the machine does not count.
test('a file may name as many models as it has lines', { timeout: 120_000 }, async () => {
  const count = 100_000;
  const before = process.cpuUsage();
  const text = Array.from({ length: count }, (_, number) => `{"prompt":"x","model":"model-${number}"}\n`).join('');
  const { scan } = await scanText(text, { defaults: { ...noDefaults, model: null } });
  const planned = planGroups(scan);
  const { user } = process.cpuUsage(before);
  expect([scan.models.length, planned.length]).toEqual([count, count]);
  expect([planned.at(-1)?.model, [...(planned.at(-1)?.rows ?? [])]]).toEqual([`model-${count - 1}`, [count - 1]]);
  expect(user / 1e6).toBeLessThan(15);
});
