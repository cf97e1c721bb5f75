import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CliFolder, createCliFolder, mock, prompts } from '../helpers/run-cli.ts';

const rows = 'id,name\na,Ada\nb,Bo\nc,"Cy, Jr"\nd,Di\n';
const template = ['--prompt-template', 'Say {{name}}.', '--system', 'Be short.'];
const idsIn = async (folder: CliFolder, name: string): Promise<string[]> =>
  (await folder.results(name)).map(({ custom_id }) => custom_id);

/** Faults of the mock engine in half of the requests, each time that these are sent. */
const faulty = ['--retries', '0', '--max-error-rate', '1', ...mock('fault_rate=0.5', 'fault_kinds=refused', 'seed=4')];

/** A run of a table of which some rows failed; returns their ids. */
async function failedRun(folder: CliFolder): Promise<string[]> {
  await folder.write('people.csv', rows);
  const { exitCode, stderr } = await folder.run(['run', 'people.csv', ...template, ...faulty]);
  expect(exitCode).toBe(3);
  expect(stderr).toContain('llmbatch run --failed-of people.results.jsonl -m LARGER_MODEL');
  const failed = (await folder.results('people.results.jsonl')).filter(({ error }) => error !== null);
  expect(failed.length % 4).toBeGreaterThan(0);
  return failed.map(({ custom_id }) => custom_id);
}

const again = (folder: CliFolder, ...words: string[]) =>
  folder.run(['run', '--failed-of', 'people.results.jsonl', '--progress', 'none', ...words]);

describe('llmbatch run --failed-of', () => {
  test('runs what failed, with the settings of that run and another model, and merge joins both', async () => {
    const folder = await createCliFolder();
    const failed = await failedRun(folder);
    const { exitCode, stderr } = await again(folder, '-m', 'mock:large', '--option', 'fault_rate=0');
    expect(exitCode).toBe(0);
    expect(stderr).toContain('as before except --model mock → mock:large; --option fault_rate 0.5 → 0');
    const merge = 'llmbatch merge people.results.jsonl people.results.2.jsonl -o people.results.merged.jsonl';
    expect(stderr).toContain(merge);
    const lines = await folder.results('people.results.2.jsonl');
    expect(lines.map(({ custom_id, llmbatch }) => [custom_id, llmbatch.model])).toEqual(
      failed.map((id) => [id, 'mock:large']),
    );
    expect(await folder.manifest('people.results.2.jsonl.run.json')).toMatchObject({
      failedOf: folder.at('people.results.jsonl'),
      input: { requests: failed.length },
    });
    const merged = await folder.run(merge.split(' ').slice(1));
    expect([merged.exitCode, await idsIn(folder, 'people.results.merged.jsonl')]).toEqual([0, ['a', 'b', 'c', 'd']]);
  });

  test('keeps the answers of before where the second try fails too, and counts on for a third', async () => {
    const folder = await createCliFolder();
    const failed = await failedRun(folder);
    const second = await again(folder, '--max-tokens', '50');
    expect([second.exitCode, await idsIn(folder, 'people.results.2.jsonl')]).toEqual([3, failed]);
    const words = ['--failed-of', 'people.results.2.jsonl', '--option', 'fault_rate=0', '--progress', 'none'];
    const third = await folder.run(['run', ...words]);
    const outputs = ['people.results.jsonl', 'people.results.2.jsonl', 'people.results.3.jsonl'];
    expect([third.exitCode, third.stderr]).toEqual([0, expect.stringContaining(`merge ${outputs.join(' ')}`)]);
    await folder.run(['merge', ...outputs.toReversed(), '-o', 'all.jsonl']);
    const all = await folder.results('all.jsonl');
    expect(all.map(({ custom_id, error }) => [custom_id, error])).toEqual(['a', 'b', 'c', 'd'].map((id) => [id, null]));
  });

  test('goes on with the same output for the same command, and takes another for other settings', async () => {
    const folder = await createCliFolder();
    await failedRun(folder);
    await again(folder, '--max-tokens', '50');
    const same = await again(folder, '--max-tokens', '50');
    expect(same.stderr).toContain('Nothing to do');
    const other = await again(folder, '--max-tokens', '60', '--json');
    expect(JSON.parse(other.stdout)).toMatchObject({ output: folder.at('people.results.3.jsonl') });
    const resumed = await folder.run([
      'resume',
      'people.results.3.jsonl',
      '--option',
      'fault_rate=0',
      '--retry-failed',
      'all',
    ]);
    expect(resumed.exitCode).toBe(0);
  });

  test('names of the settings of a file only those that are taken: the answers have those of before', async () => {
    const folder = await createCliFolder();
    await failedRun(folder);
    await folder.write(
      'llmbatch.json',
      JSON.stringify({ defaults: { system: 'Be long.', max_tokens: 9, retries: 1 } }),
    );
    const { stderr } = await again(folder);
    expect(stderr).toContain('settings: retries from llmbatch.json\n');
    expect(stderr).toContain(', as before\n');
  });

  test('takes what was piped in from where it is kept', async () => {
    const folder = await createCliFolder();
    await folder.run(['run', '-', '-o', 'people.results.jsonl', ...faulty], { stdin: prompts(6) });
    const { exitCode } = await again(folder, '--option', 'fault_rate=0');
    expect(exitCode).toBe(0);
    const merged = await folder.run(['merge', 'people.results.jsonl', 'people.results.2.jsonl', '-o', 'all.jsonl']);
    expect([merged.exitCode, (await idsIn(folder, 'all.jsonl')).length]).toEqual([0, 6]);
  });

  test('counts --limit among what failed', async () => {
    const folder = await createCliFolder();
    await folder.write('people.jsonl', prompts(40));
    await folder.run(['run', 'people.jsonl', ...faulty]);
    const failed = (await folder.results('people.results.jsonl')).filter(({ error }) => error !== null);
    await again(folder, '--limit', '3');
    expect(await idsIn(folder, 'people.results.2.jsonl')).toEqual(failed.slice(0, 3).map(({ custom_id }) => custom_id));
  });

  test('says what is missing, and what there is to do', async () => {
    const folder = await createCliFolder();
    await folder.write('people.jsonl', prompts(2));
    await folder.run(['run', 'people.jsonl', ...mock()]);
    const none = await again(folder);
    expect([none.exitCode, none.stderr]).toEqual([0, expect.stringContaining('there is nothing to run')]);
    const nowhere = await folder.run(['run', '--failed-of', 'nowhere.jsonl']);
    expect([nowhere.exitCode, nowhere.stderr]).toEqual([2, expect.stringContaining('no such file')]);
    const nothing = await folder.run(['run']);
    expect([nothing.exitCode, nothing.stderr]).toEqual([2, expect.stringContaining('no input is named')]);
  });

  test('wants the input named where no run of this user is known', async () => {
    const folder = await createCliFolder();
    const failed = await failedRun(folder);
    await rm(folder.at('people.results.jsonl.run.json'));
    const unknown = await again(folder);
    expect([unknown.exitCode, unknown.stderr]).toEqual([
      2,
      expect.stringContaining('Name the input, and the settings'),
    ]);
    const words = ['run', 'people.csv', '--failed-of', 'people.results.jsonl', ...template, ...mock()];
    expect((await folder.run(words)).exitCode).toBe(0);
    expect(await idsIn(folder, 'people.results.2.jsonl')).toEqual(failed);
  });
});
