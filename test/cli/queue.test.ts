import { expect, test } from 'vitest';
import { createCliFolder, mock, prompts } from '../helpers/run-cli.ts';

test('a queue counts its inputs, tells a choice once, and ends with a total', async () => {
  const folder = await createCliFolder();
  for (const name of ['a', 'b', 'c']) await folder.write(`${name}.jsonl`, prompts(4));
  await folder.write('b.jsonl', `not JSON\n${prompts(3)}`);
  const { stderr, exitCode } = await folder.run(['run', 'a.jsonl', 'b.jsonl', 'c.jsonl', ...mock()]);
  expect(exitCode).toBe(3);
  expect(stderr.match(/^input .*$/gm)).toEqual([
    'input 1 of 3: a.jsonl',
    'input 2 of 3: b.jsonl',
    'input 3 of 3: c.jsonl',
  ]);
  expect(stderr.match(/^mock, mock, \d+ workers?$/gm)).toHaveLength(1);
  expect(stderr).toMatch(/\n3 of 3 inputs finished: 12 requests done \(11 succeeded, 1 failed\), in [\d.]+ m?s\n$/);
});

test('one input is neither counted nor summed up twice', async () => {
  const folder = await createCliFolder();
  await folder.write('a.jsonl', prompts(4));
  const { stderr } = await folder.run(['run', 'a.jsonl', ...mock()]);
  expect(stderr).not.toMatch(/input 1|inputs/);
});

test('an input that can not be run is named, and not counted as finished', async () => {
  const folder = await createCliFolder();
  await folder.write('a.jsonl', prompts(1));
  await folder.write('b.jsonl', 'not JSON\n');
  const { stderr, exitCode } = await folder.run(['run', 'b.jsonl', 'a.jsonl', ...mock()]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('b.jsonl: Error: ');
  expect(stderr).toMatch(/1 of 2 inputs finished: 1 request done, in /);
});

test('the reasons of a choice are told with --verbose alone', async () => {
  const folder = await createCliFolder();
  await folder.write('a.jsonl', prompts(4));
  const quiet = await folder.run(['run', 'a.jsonl', ...mock()]);
  expect(quiet.stderr).toMatch(/^mock, mock, \d+ workers?\nFinished: /);
  const verbose = await folder.run(['run', 'a.jsonl', '-o', 'b.jsonl', '-v', ...mock()]);
  expect(verbose.stderr).toMatch(/^mode: independent \(no request has a system prompt/);
});
