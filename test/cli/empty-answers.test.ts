import { expect, test } from 'vitest';
import { startScriptedOpenai, whole } from '../backends/openai/scripted-openai.ts';
import { createCliFolder } from '../helpers/run-cli.ts';

const said: Record<string, string> = { answer: 'red', blank: ' \n', think: '<think>Which one?</think>' };
const lines = (...prompts: string[]): string =>
  prompts.map((prompt) => `${JSON.stringify({ id: prompt, prompt })}\n`).join('');

/** A server that says of each prompt what is written above; a folder with those prompts; a run of them. */
async function setUp() {
  const server = await startScriptedOpenai((response, { messages }) => {
    const prompt = (messages as { content: string }[]).at(-1)?.content ?? '';
    response.end(JSON.stringify(whole(said[prompt] ?? prompt)));
  });
  const folder = await createCliFolder();
  await folder.write('in.jsonl', lines(...Object.keys(said)));
  const flags = ['-b', 'openai', '--base-url', server.url, '-m', 'tiny-scorer', '--option', 'stream=false'];
  const start = (...more: string[]) =>
    folder.run(['run', 'in.jsonl', ...flags, '--progress', 'none', '--retries', '0', ...more]);
  return { ...folder, server, start };
}

test('an answer that says nothing is a failure, which names the flag that allows it', async () => {
  const { start, results } = await setUp();
  const { exitCode, stderr } = await start();
  expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/errors +empty 1: [^]*empty 1: /)]);
  const failed = (await results('in.results.jsonl')).filter(({ error }) => error !== null);
  expect(failed.map(({ custom_id: id, error }) => [id, error?.code])).toEqual([
    ['blank', 'empty'],
    ['think', 'empty'],
  ]);
  for (const { error } of failed) expect(error?.message).toContain('--allow-empty-answers');
});

test('an answer that says nothing is counted in the summary where it is allowed, after a resume too', async () => {
  const { start, run, write, results, server } = await setUp();
  const { exitCode, stderr } = await start('--allow-empty-answers');
  expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^ {2}notes +2 empty$/m)]);
  expect((await results('in.results.jsonl')).map(({ llmbatch }) => llmbatch.empty)).toEqual([undefined, true, true]);
  said['later'] = '\u200B';
  await write('in.jsonl', lines(...Object.keys(said)));
  const resumed = await run(['resume', 'in.results.jsonl', '--progress', 'none']);
  expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.stringMatching(/^ {2}notes +3 empty$/m)]);
  expect(server.requests).toHaveLength(4);
  const report = await run(['report', 'in.results.jsonl', '--json']);
  expect(JSON.parse(report.stdout)).toMatchObject({ notes: { empty: 3 } });
});

test('an answer that begins with thinking is no success of a run with --think off', async () => {
  said['thoughtful'] = '<think>Which one?</think>red';
  said['quick'] = '<think>\n\n</think>\n\nred';
  const { start, results } = await setUp();
  const { exitCode, stderr } = await start('--think', 'off', '--allow-empty-answers');
  expect([exitCode, stderr.replaceAll(/\s+/g, ' ')]).toEqual([
    3,
    expect.stringContaining('the answer has thinking although it is turned off (--think off)'),
  ]);
  const codes = (await results('in.results.jsonl')).map(({ custom_id: id, error }) => [id, error?.code]);
  expect(codes.filter(([, code]) => code !== undefined)).toEqual([
    ['think', 'not-honoured'],
    ['thoughtful', 'not-honoured'],
  ]);
});
