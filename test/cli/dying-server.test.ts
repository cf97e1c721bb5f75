import { expect, test } from 'vitest';
import { type MortalOptions, type MortalServer, startMortalServer } from '../helpers/mortal-server/index.ts';
import { type CliProcess, countLines, createCliFolder, prompts, until } from '../helpers/run-cli.ts';

const output = 'in.results.jsonl';

/** A run on a server that may die, with a stall timeout that no test lives to see: only what is noticed ends it. */
async function runOn(options: MortalOptions, input: string, ...flags: string[]) {
  const server = await startMortalServer(options);
  const folder = await createCliFolder();
  await folder.write('in.jsonl', input);
  const patience = ['--stall-timeout', '1h', '--retries', '0', '--progress', 'none'];
  const where = ['-b', 'openai', '--base-url', server.url, '-m', 'm', '--option', 'stream=false'];
  const start = (): CliProcess => folder.start(['run', 'in.jsonl', ...where, ...patience, ...flags]);
  const hasLines = (count: number) => until(async () => (await countLines(folder.at(output))) >= count);
  return { ...folder, server, start, hasLines };
}

/** Every request has its own answer, and none a failure. */
async function expectAll({ results }: { results: Awaited<ReturnType<typeof runOn>>['results'] }, count: number) {
  const lines = await results(output);
  const texts = lines.map(({ response }) => response?.body?.choices?.[0]?.message?.content);
  expect(texts).toEqual(Array.from({ length: count }, (_, index) => `answer to question ${index + 1}`));
}

/** Ends the server while all workers wait for answers, and starts it again. */
async function restartUnder(server: MortalServer, signal: 'SIGTERM' | 'SIGKILL', awayMs: number): Promise<void> {
  await server.end(signal);
  await new Promise((resolve) => setTimeout(resolve, awayMs));
  await server.start();
}

test.each([
  ['SIGTERM', 'llamacpp', 1500],
  ['SIGTERM', 'llamacpp', 0],
  ['SIGTERM', 'proxy', 5000],
  ['SIGKILL', 'llamacpp', 1500],
  ['SIGKILL', 'proxy', 0],
] as const)(
  'a server that ends by %s (%s), and is back after %s ms, leaves nothing behind',
  async (signal, kind, awayMs) => {
    const run = await runOn({ kind, answerMs: 300 }, prompts(24), '--workers', '3', '--retries', '3');
    const running = run.start();
    await run.hasLines(6);
    await restartUnder(run.server, signal, awayMs);
    expect((await running.outcome).exitCode).toBe(0);
    await expectAll(run, 24);
  },
);

test('the last request is not left behind on a server that is stopped', async () => {
  const run = await runOn({ kind: 'llamacpp', answerMs: 2000 }, prompts(1));
  const running = run.start();
  await until(() => run.server.prompts().length === 1);
  await restartUnder(run.server, 'SIGTERM', 0);
  expect((await running.outcome).exitCode).toBe(0);
  await expectAll(run, 1);
  expect(running.stderr()).toMatch(/the engine (is back after|works on nothing)/);
});

test('a slow answer of a live server is waited for, and asked for once', async () => {
  const run = await runOn({ kind: 'llamacpp', answerMs: 12_000 }, prompts(2));
  expect((await run.start().outcome).exitCode).toBe(0);
  await expectAll(run, 2);
  expect(run.server.prompts()).toHaveLength(2);
});

test('a request that kills the server fails alone, and no resume sends it again', async () => {
  const poison = `${JSON.stringify({ id: 'bad', prompt: 'poison' })}\n`;
  const run = await runOn({ kind: 'proxy' }, prompts(6) + poison + prompts(14, 7), '--workers', '4');
  run.server.supervise();
  expect((await run.start().outcome).exitCode).toBe(3);
  const lines = await run.results(output);
  expect(lines).toHaveLength(21);
  const failed = lines.filter(({ error }) => error !== null);
  expect(failed.map(({ custom_id, error }) => [custom_id, error?.code])).toEqual([['bad', 'bad-request']]);
  expect(run.server.prompts().filter((prompt) => prompt === 'poison').length).toBeLessThanOrEqual(4);
  const sent = run.server.prompts().length;
  expect((await run.run(['resume', output])).exitCode).toBe(3);
  expect(run.server.prompts()).toHaveLength(sent);
});

test.each(['one signal', 'two signals'])('a run that waits for a server that hangs hears %s', async (which) => {
  const run = await runOn({ kind: 'proxy', answerMs: 3_600_000 }, prompts(8), '--drain-timeout', '1s');
  const running = run.start();
  await until(() => run.server.prompts().length > 0);
  running.child.kill('SIGINT');
  await until(() => running.stderr().includes('Ctrl-C again'));
  if (which === 'two signals') running.child.kill('SIGINT');
  expect((await running.outcome).exitCode).toBe(130);
});
