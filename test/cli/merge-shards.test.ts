import { appendFile, rename, rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { shardOf } from '../../src/data/shard.ts';
import { type CliFolder, countLines, createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';

const output = (index: number, count = 3): string => `in.results.${index}-of-${count}.jsonl`;
const allIds = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index + 1}`);
const sizeOf = (index: number, lines: number): number => allIds(lines).filter((id) => shardOf(id, 3) === index).length;
const idsIn = async (folder: CliFolder, name: string): Promise<string[]> =>
  (await folder.results(name)).map(({ custom_id }) => custom_id);

async function folderWith(lines: number): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(lines));
  return folder;
}

const runShard = (folder: CliFolder, index: number, ...words: string[]) =>
  folder.run(['run', 'in.jsonl', '--shard', `${index}/3`, ...mock(), ...words]);

/** Three finished shards of an input. */
async function finishedShards(lines: number, ...words: string[]): Promise<CliFolder> {
  const folder = await folderWith(lines);
  for (const index of [1, 2, 3]) await runShard(folder, index, ...words);
  return folder;
}

const merge = (folder: CliFolder, names: readonly string[], ...words: string[]) =>
  folder.run(['merge', ...names, '-o', 'all.jsonl', '--overwrite', ...words]);
const three = [1, 2, 3].map((index) => output(index));

describe('llmbatch merge of shards', () => {
  test('writes what a run without shards would, in the order of the input', async () => {
    const folder = await folderWith(60);
    await appendFile(folder.at('in.jsonl'), `not JSON\n${prompts(1)}\n{"prompt":"without an id"}\n`);
    for (const index of [3, 1, 2]) await runShard(folder, index);
    await folder.run(['run', 'in.jsonl', ...mock()]);
    const { exitCode, stderr } = await merge(folder, three.toReversed());
    expect([exitCode, stderr]).toEqual([3, '61 succeeded, 2 failed\n']);
    const [merged, whole] = [await folder.results('all.jsonl'), await folder.results('in.results.jsonl')];
    const short = (results: typeof merged) =>
      results.map(({ custom_id, error, llmbatch }) => [custom_id, error?.code, llmbatch?.line, llmbatch?.request_hash]);
    expect(short(merged)).toEqual(short(whole));
  });

  test('can be read by status, report and export, and gone on with by a run', async () => {
    const folder = await finishedShards(30);
    await merge(folder, three);
    const status = await folder.run(['status', 'all.jsonl', '--json']);
    const report = await folder.run(['report', 'all.jsonl', '--json']);
    const table = await folder.run(['export', 'all.jsonl', '--fields', 'id']);
    expect(JSON.parse(status.stdout)).toMatchObject({ done: 30, succeeded: 30, failed: 0 });
    expect(report.exitCode).toBe(0);
    expect(table.stdout).toBe(`id\n${allIds(30).join('\n')}\n`);
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', '-o', 'all.jsonl', ...mock()]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('its 30 results are of this input')]);
  });

  test('names a shard that is missing, and ends with 3', async () => {
    const folder = await finishedShards(30);
    const { exitCode, stderr } = await merge(folder, [output(1), output(3)]);
    const done = sizeOf(1, 30) + sizeOf(3, 30);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('shard 2 of 3 is missing')]);
    expect(stderr).toContain(`${done} succeeded, 0 failed\n`);
    expect(await idsIn(folder, 'all.jsonl')).toEqual(allIds(30).filter((id) => shardOf(id, 3) !== 2));
    const json = await merge(folder, [output(1)], '--json');
    expect(JSON.parse(json.stderr)).toMatchObject({ shards: { count: 3, missing: [2, 3], unfinished: [] }, drift: [] });
  });

  test('tells what an unfinished one lacks, until it is resumed', async () => {
    const folder = await finishedShards(90);
    await rm(folder.at(output(2)));
    await rm(folder.at(`${output(2)}.run.json`));
    const run = folder.start(['run', 'in.jsonl', '--shard', '2/3', ...mock('latency_ms=20', 'slots=2')]);
    await until(async () => (await countLines(folder.at(output(2)))) > 1);
    run.child.kill('SIGKILL');
    await run.outcome;
    const { exitCode, stderr } = await merge(folder, three, '--allow-drift');
    const total = sizeOf(2, 90);
    const done = await countLines(folder.at(output(2)));
    expect(exitCode).toBe(3);
    expect(stderr).toContain(
      `shard 2 of 3 is not finished: ${total - done} of its ${total} requests have no result. Continue with: llmbatch resume ${output(2)}`,
    );
    const json = await merge(folder, three, '--allow-drift', '--json');
    const unfinished = [{ index: 2, output: output(2), done, total }];
    expect(JSON.parse(json.stderr)).toMatchObject({ shards: { count: 3, missing: [], unfinished } });
    await folder.run(['resume', output(2), '--progress', 'none']);
    expect((await merge(folder, three, '--allow-drift')).exitCode).toBe(0);
    expect(await idsIn(folder, 'all.jsonl')).toEqual(allIds(90));
  });

  test('takes a later success of a retry, and counts each request of a shard once', async () => {
    const folder = await folderWith(60);
    const failing = mock('fault_rate=0.5', 'fault_kinds=bad-request');
    for (const index of [1, 2, 3]) {
      await folder.run(['run', 'in.jsonl', '--shard', `${index}/3`, '--max-error-rate', '1', ...failing]);
    }
    await folder.run(['run', 'in.jsonl', '-o', 'again.jsonl', ...mock()]);
    expect((await merge(folder, three)).exitCode).toBe(3);
    const { exitCode, stderr } = await merge(folder, [...three, 'again.jsonl']);
    expect([exitCode, stderr]).toEqual([0, '60 succeeded, 0 failed\n']);
    expect(await idsIn(folder, 'all.jsonl')).toEqual(allIds(60));
  });

  test('of an input with fewer requests than shards is whole', async () => {
    const folder = await finishedShards(1);
    expect((await merge(folder, three)).exitCode).toBe(0);
    expect(await idsIn(folder, 'all.jsonl')).toEqual(['r1']);
  });
});

describe('shards that are not of one run are refused:', () => {
  test('of another number', async () => {
    const folder = await folderWith(20);
    await runShard(folder, 1);
    await folder.run(['run', 'in.jsonl', '--shard', '2/4', ...mock()]);
    const { exitCode, stderr } = await merge(folder, [output(1), output(2, 4)], '--allow-drift');
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('is one of 3 shards, and')]);
    await expect(folder.text('all.jsonl')).rejects.toThrow('ENOENT');
  });

  test('of another input', async () => {
    const folder = await folderWith(20);
    await runShard(folder, 1);
    await folder.write('other.jsonl', prompts(20, 100));
    await folder.run(['run', 'other.jsonl', '--shard', '2/3', ...mock()]);
    const { exitCode, stderr } = await merge(folder, [output(1), 'other.results.2-of-3.jsonl']);
    const message = /not shards of one run: input in\.jsonl \(\w{12}\) → other\.jsonl/;
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  test('of an input that has grown since, with the command that mends it', async () => {
    const folder = await folderWith(20);
    await runShard(folder, 1);
    await appendFile(folder.at('in.jsonl'), prompts(20, 21));
    for (const index of [2, 3]) await runShard(folder, index);
    const { exitCode, stderr } = await merge(folder, three);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`llmbatch resume ${output(1)}`)]);
    await folder.run(['resume', output(1), '--progress', 'none']);
    expect((await merge(folder, three)).exitCode).toBe(0);
    expect(await idsIn(folder, 'all.jsonl')).toEqual(allIds(40));
  });

  test.each([
    [['--max-tokens', '9'], '--max-tokens default → 9'],
    [['--limit', '19'], '--limit none → 19'],
    [['-m', 'mock:other'], '--model mock → mock:other'],
  ])('with %j', async (words, drift) => {
    const folder = await folderWith(20);
    await runShard(folder, 1);
    await runShard(folder, 2, ...words);
    const { exitCode, stderr } = await merge(folder, three.slice(0, 2));
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(drift)]);
    const allowed = await merge(folder, three.slice(0, 2), '--allow-drift');
    expect([allowed.exitCode, allowed.stderr]).toEqual([3, expect.stringContaining(drift)]);
  });
});

describe('a shard without its manifest', () => {
  test('is known by its name, and whether it is whole is not claimed', async () => {
    const folder = await finishedShards(30);
    await rm(folder.at(`${output(2)}.run.json`));
    const { exitCode, stderr } = await merge(folder, three);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('shard 2 of 3 may lack results')]);
    expect(await idsIn(folder, 'all.jsonl')).toEqual(allIds(30));
  });

  test('may be all there is', async () => {
    const folder = await finishedShards(30);
    for (const index of [1, 2, 3]) await rm(folder.at(`${output(index)}.run.json`));
    expect((await merge(folder, three)).exitCode).toBe(3);
    expect(await idsIn(folder, 'all.jsonl')).toEqual(allIds(30));
  });

  test('is one by its manifest under any name', async () => {
    const folder = await finishedShards(30);
    for (const ending of ['', '.run.json']) await rename(folder.at(output(2) + ending), folder.at(`b.jsonl${ending}`));
    const { exitCode } = await merge(folder, [output(1), 'b.jsonl', output(3)]);
    expect(exitCode).toBe(0);
    expect(await idsIn(folder, 'all.jsonl')).toEqual(allIds(30));
  });
});
