import { appendFile, rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { shardOf } from '../../src/data/shard.ts';
import { type CliFolder, countLines, createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';

const output = (index: number, count = 3): string => `in.results.${index}-of-${count}.jsonl`;
const idsIn = async (folder: CliFolder, name: string): Promise<string[]> =>
  (await folder.results(name)).map(({ custom_id }) => custom_id);
const allIds = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index + 1}`);
const ofShard = (ids: readonly string[], index: number): string[] => ids.filter((id) => shardOf(id, 3) === index);

async function folderWith(lines: number): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(lines));
  return folder;
}

describe('llmbatch run --shard', () => {
  test('answers its part alone, to a file of its own, in the order of the input', async () => {
    const folder = await folderWith(60);
    for (const index of [1, 2, 3]) {
      const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', '--shard', `${index}/3`, ...mock()]);
      const ids = ofShard(allIds(60), index);
      expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`Finished: ${ids.length} requests done`)]);
      expect(stderr).toContain('llmbatch merge in.results.*-of-3.jsonl -o in.results.jsonl');
      expect(await idsIn(folder, output(index))).toEqual(ids);
      const { shard, input, summary } = await folder.manifest(`${output(index)}.run.json`);
      expect([shard, input.requests, summary?.progress.total]).toEqual([{ index, count: 3 }, ids.length, ids.length]);
    }
  });

  test('is kept in the manifest: a resume needs no flag, and status tells it', async () => {
    const folder = await folderWith(90);
    const run = folder.start(['run', 'in.jsonl', '--shard', '2/3', ...mock('latency_ms=20', 'slots=2')]);
    await until(async () => (await countLines(folder.at(output(2)))) > 1);
    run.child.kill('SIGKILL');
    await run.outcome;
    const status = await folder.run(['status', output(2), '--json']);
    const ids = ofShard(allIds(90), 2);
    expect(JSON.parse(status.stdout)).toMatchObject({
      state: 'stopped',
      shard: { index: 2, count: 3 },
      total: ids.length,
    });
    const resumed = await folder.run(['resume', '--progress', 'none']);
    expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.stringContaining(`${ids.length} requests done`)]);
    expect(await idsIn(folder, output(2))).toEqual(ids);
  });

  test('another shard on the same output is refused by name, and recorded with --allow-drift', async () => {
    const folder = await folderWith(30);
    const words = (...shard: string[]): string[] => ['run', 'in.jsonl', '-o', 'o.jsonl', ...shard, ...mock()];
    await folder.run(words('--shard', '1/3'));
    const before = await folder.text('o.jsonl');
    for (const [shard, drift] of [
      [['--shard', '2/3'], '--shard 1/3 → 2/3'],
      [['--shard', '1/4'], '--shard 1/3 → 1/4'],
      [[], '--shard 1/3 → none'],
    ] as const) {
      const { exitCode, stderr } = await folder.run(words(...shard));
      expect([exitCode, stderr]).toEqual([5, expect.stringContaining(drift)]);
    }
    expect(await folder.text('o.jsonl')).toBe(before);
    const { exitCode, stderr } = await folder.run([...words('--shard', '2/3'), '--allow-drift']);
    const own = ofShard(allIds(30), 2);
    const others = ofShard(allIds(30), 1);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('answer no line of shard 2 of 3')]);
    expect(await idsIn(folder, 'o.jsonl')).toEqual([...own, ...others]);
    const whole = await folder.run([...words(), '--allow-drift']);
    expect(whole.exitCode).toBe(0);
    expect(await idsIn(folder, 'o.jsonl')).toEqual(allIds(30));
  });

  test('whose manifest is lost is taken up, and an output that holds more than the shard is not', async () => {
    const folder = await folderWith(30);
    const words = ['run', 'in.jsonl', '--shard', '2/3', ...mock()];
    await folder.run(words);
    await rm(folder.at(`${output(2)}.run.json`));
    const again = await folder.run(words);
    const ids = ofShard(allIds(30), 2);
    expect([again.exitCode, again.stderr]).toEqual([
      0,
      expect.stringContaining(`its ${ids.length} results are of this input`),
    ]);
    await folder.run(['run', 'in.jsonl', '-o', 'all.jsonl', ...mock()]);
    await rm(folder.at('all.jsonl.run.json'));
    const { exitCode, stderr } = await folder.run([...words, '-o', 'all.jsonl']);
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('has results that are not from shard 2 of 3')]);
  });

  test.each(['0/3', '4/3', '1/0', 'a/b'])('%s is refused in a sentence', async (shard) => {
    const folder = await folderWith(1);
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', '--shard', shard, ...mock()]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Expected i/n with i from 1 to n, such as 2/3.')]);
  });

  test('takes up its part of an input that has grown', async () => {
    const folder = await folderWith(20);
    await folder.run(['run', 'in.jsonl', '--shard', '3/3', ...mock()]);
    await appendFile(folder.at('in.jsonl'), prompts(20, 21));
    const again = await folder.run(['run', 'in.jsonl', '--shard', '3/3', ...mock()]);
    expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('has grown at its end')]);
    expect(await idsIn(folder, output(3))).toEqual(ofShard(allIds(40), 3));
  });

  test('of standard input goes to stdout', async () => {
    const folder = await createCliFolder();
    const { exitCode, stdout } = await folder.run(['run', '-', '--shard', '1/3', ...mock()], { stdin: prompts(30) });
    const ids = stdout
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { custom_id: string }).custom_id]));
    expect([exitCode, ids.toSorted()]).toEqual([0, ofShard(allIds(30), 1).toSorted()]);
  });

  test('is taken of what --limit and --sample leave, in a conversation and of a table too', async () => {
    const folder = await folderWith(60);
    const run = (index: number, ...words: string[]) =>
      folder.run(['run', 'in.jsonl', '--shard', `${index}/3`, '--overwrite', ...words, ...mock()]);
    const together: Record<string, string[]> = { limit: [], sample: [], conversation: [] };
    for (const index of [1, 2, 3]) {
      for (const [name, words] of [
        ['limit', ['--limit', '20']],
        ['sample', ['--sample', '20']],
        ['conversation', ['--mode', 'conversation']],
      ] as const) {
        expect((await run(index, ...words)).exitCode).toBe(0);
        together[name]!.push(...(await idsIn(folder, output(index))));
      }
    }
    await folder.run(['run', 'in.jsonl', '--sample', '20', '-o', 'sample.jsonl', ...mock()]);
    const sorted = (ids: string[]): string[] => ids.toSorted();
    expect(sorted(together['limit']!)).toEqual(sorted(allIds(20)));
    expect(sorted(together['sample']!)).toEqual(sorted(await idsIn(folder, 'sample.jsonl')));
    expect(sorted(together['conversation']!)).toEqual(sorted(allIds(60)));
    await folder.write(
      'in.csv',
      `id,name\n${allIds(30)
        .map((id) => `${id},${id}\n`)
        .join('')}`,
    );
    await folder.run(['run', 'in.csv', '--shard', '2/3', '--overwrite', '--prompt-template', '{{name}}', ...mock()]);
    expect(await idsIn(folder, output(2))).toEqual(ofShard(allIds(30), 2));
  });

  test('--dry-run and --estimate are of the shard', async () => {
    const folder = await folderWith(60);
    const words = ['run', 'in.jsonl', '--shard', '2/3', ...mock()];
    const requests = ofShard(allIds(60), 2).length;
    const plan = JSON.parse((await folder.run([...words, '--dry-run', '--json'])).stdout) as { output: string };
    expect(plan).toMatchObject({
      shard: { index: 2, count: 3 },
      requests,
      first_request: { id: ofShard(allIds(60), 2)[0] },
    });
    expect(plan.output).toBe(folder.at(output(2)));
    expect((await folder.run([...words, '--dry-run'])).stdout).toContain('shard    2/3\n');
    const estimate = await folder.run([...words, '--estimate', '--json']);
    expect(JSON.parse(estimate.stdout)).toMatchObject({ shard: { index: 2, count: 3 }, requests, sampled: requests });
    expect((await folder.run([...words, '--estimate'])).stdout).toContain(
      `in.jsonl, shard 2 of 3: ${requests} requests`,
    );
  });

  test('several inputs each have their own output of the shard', async () => {
    const folder = await folderWith(12);
    await folder.write('other.jsonl', prompts(12));
    expect((await folder.run(['run', 'in.jsonl', 'other.jsonl', '--shard', '2/3', ...mock()])).exitCode).toBe(0);
    expect(await idsIn(folder, output(2))).toEqual(ofShard(allIds(12), 2));
    expect(await idsIn(folder, 'other.results.2-of-3.jsonl')).toEqual(ofShard(allIds(12), 2));
  });
});

describe('a bad line', () => {
  test('is the failed result of one shard, which alone ends with 3', async () => {
    const folder = await folderWith(20);
    await appendFile(folder.at('in.jsonl'), `not JSON\n${prompts(1)}`);
    const codes: (number | null)[] = [];
    for (const index of [1, 2, 3]) {
      codes.push((await folder.run(['run', 'in.jsonl', '--shard', `${index}/3`, ...mock()])).exitCode);
    }
    const failed = ['line-21', 'line-22'].map((id) => shardOf(id, 3));
    expect(codes).toEqual([1, 2, 3].map((index) => (failed.includes(index) ? 3 : 0)));
    const results = await Promise.all([1, 2, 3].map((index) => folder.results(output(index))));
    const bad = results.flat().filter(({ error }) => error !== null);
    expect(bad.map(({ custom_id }) => custom_id).toSorted()).toEqual(['line-21', 'line-22']);
    expect(bad.find(({ custom_id }) => custom_id === 'line-22')?.error?.message).toContain(
      'was seen before, on line 1',
    );
  });

  test('of any shard is refused by each with --strict', async () => {
    const folder = await folderWith(20);
    await appendFile(folder.at('in.jsonl'), 'not JSON\n');
    for (const index of [1, 2, 3]) {
      const { exitCode, stderr } = await folder.run([
        'run',
        'in.jsonl',
        '--strict',
        '--shard',
        `${index}/3`,
        ...mock(),
      ]);
      expect([exitCode, stderr]).toEqual([
        2,
        expect.stringContaining('1 of 21 lines is not a valid request (--strict)'),
      ]);
    }
  });
});

test('a shard that no request belongs to is finished, with an empty output', async () => {
  const folder = await folderWith(1);
  const empty = [1, 2, 3].find((index) => shardOf('r1', 3) !== index)!;
  const first = await folder.run(['run', 'in.jsonl', '--shard', `${empty}/3`, ...mock()]);
  expect([first.exitCode, first.stderr]).toEqual([0, expect.stringContaining(`belongs to shard ${empty} of 3`)]);
  expect(await folder.text(output(empty))).toBe('');
  const { state, summary } = await folder.manifest(`${output(empty)}.run.json`);
  expect([state, summary?.progress.total]).toEqual(['finished', 0]);
  expect((await folder.run(['run', 'in.jsonl', '--shard', `${empty}/3`, ...mock()])).exitCode).toBe(0);
  const estimate = await folder.run(['run', 'in.jsonl', '--shard', `${empty}/3`, '--estimate', ...mock()]);
  expect([estimate.exitCode, estimate.stderr]).toEqual([2, expect.stringContaining(`belongs to shard ${empty} of 3`)]);
});
