import { expect, test } from 'vitest';
import { createCliFolder } from '../helpers/run-cli.ts';

const flags = ['-b', 'mock', '-m', 'mock', '--progress', 'none', '--option', 'fault_kinds=loop'];

/** Lines whose answers repeat themselves, where they are so many of all. */
async function setUp(share: number) {
  const folder = await createCliFolder();
  const line = (index: number) => `${JSON.stringify({ id: `q${index}`, prompt: `question ${index}` })}\n`;
  await folder.write('in.jsonl', Array.from({ length: 12 }, (_, index) => line(index)).join(''));
  const all = [...flags, '--option', `fault_rate=${share}`, '--max-error-rate', '1'];
  return { ...folder, start: (...more: string[]) => folder.run(['run', 'in.jsonl', ...all, ...more]) };
}

test('an answer that repeats itself fails with what it said and the flag that allows it, and a resume may allow it', async () => {
  const { start, run, results } = await setUp(1);
  expect((await start()).exitCode).toBe(3);
  const failed = await results('in.results.jsonl');
  expect(failed.map(({ error }) => error?.code)).toEqual(failed.map(() => 'repetition'));
  expect(failed[0]?.error?.message).toMatch(/"and so on" came .* --allow-repetition/);
  expect(failed[0]?.llmbatch).toMatchObject({ attempts: 1, usage: { prompt_tokens: 2 } });
  const lenient = ['--allow-repetition', '--max-tokens', '600', '--allow-truncated', '--retry-failed', 'all'];
  const resumed = await run(['resume', 'in.results.jsonl', '--progress', 'none', ...lenient]);
  expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.any(String)]);
});

test('in a conversation it leaves no trace', async () => {
  const { start, results } = await setUp(0.5);
  expect((await start('--mode', 'conversation', '--system', 's', '--workers', '1')).exitCode).toBe(3);
  const all = await results('in.results.jsonl');
  let turns = 0;
  for (const { error, llmbatch } of all) {
    if (error === null) expect(llmbatch['conversation']).toMatchObject({ history: 2 * turns++ });
  }
  expect(turns).toBeGreaterThan(2);
  expect(turns).toBeLessThan(all.length - 2);
});
