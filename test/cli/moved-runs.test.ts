import { cp, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CliFolder, countLines, createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';

const slow = mock('latency_ms=100', 'slots=1');

/** A run of `work/in.jsonl` to `work/out.jsonl`, killed with some results. */
async function killedRun(lines = 12): Promise<CliFolder> {
  const folder = await createCliFolder();
  await mkdir(folder.at('work'));
  await folder.write('work/in.jsonl', prompts(lines));
  const run = folder.start(['run', 'work/in.jsonl', '-o', 'work/out.jsonl', ...slow]);
  await until(async () => (await countLines(folder.at('work/out.jsonl'))) > 1);
  run.child.kill('SIGKILL');
  await run.outcome;
  return folder;
}

const idsIn = async (folder: CliFolder, name: string): Promise<string[]> =>
  (await folder.results(name)).map(({ custom_id }) => custom_id);
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index + 1}`);

/** The file of each name, as it is. */
const filesOf = async (folder: CliFolder, under: string): Promise<[string, string][]> =>
  Promise.all(
    (await readdir(folder.at(under))).map(async (name) => [name, await folder.text(`${under}/${name}`)] as const),
  ).then((files) => files.map(([name, text]): [string, string] => [name, text]));

describe('a run that lies elsewhere than it was started', () => {
  test('goes on where it is, with its input beside it, and nothing is made where it was', async () => {
    const folder = await killedRun();
    const before = await idsIn(folder, 'work/out.jsonl');
    await rename(folder.at('work'), folder.at('moved'));
    const { exitCode, stderr } = await folder.run(['resume', 'moved/out.jsonl', '--progress', 'none']);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining(folder.at('moved/out.jsonl'))]);
    expect(stderr).toContain(`is now looked for at ${folder.at('moved/in.jsonl')}`);
    expect((await idsIn(folder, 'moved/out.jsonl')).slice(0, before.length)).toEqual(before);
    expect(await idsIn(folder, 'moved/out.jsonl')).toEqual(ids(12));
    expect(await readdir(folder.path)).toEqual(['moved']);
    const { output, input } = await folder.manifest('moved/out.jsonl.run.json');
    expect([output, input.path]).toEqual([folder.at('moved/out.jsonl'), folder.at('moved/in.jsonl')]);
  });

  test('goes on by the same run command too', async () => {
    const folder = await killedRun();
    await rename(folder.at('work'), folder.at('moved'));
    const again = await folder.run(['run', 'moved/in.jsonl', '-o', 'moved/out.jsonl', ...slow]);
    expect([again.exitCode, await idsIn(folder, 'moved/out.jsonl')]).toEqual([0, ids(12)]);
  });

  test('takes no other input that lies in that place now', async () => {
    const folder = await killedRun();
    await rename(folder.at('work'), folder.at('moved'));
    await folder.write('moved/in.jsonl', prompts(12, 100));
    const refused = await folder.run(['resume', 'moved/out.jsonl']);
    expect([refused.exitCode, refused.stderr]).toEqual([
      5,
      expect.stringMatching(/input: its content changed \(SHA-256 \w{12} → \w{12}\)/),
    ]);
    await rm(folder.at('moved/in.jsonl'));
    const gone = await folder.run(['resume', 'moved/out.jsonl']);
    expect([gone.exitCode, gone.stderr]).toEqual([2, expect.stringContaining('llmbatch run <input> -o')]);
  });

  test('as a copy leaves the original alone, and status, report and merge tell of the copy', async () => {
    const folder = await killedRun();
    await cp(folder.at('work'), folder.at('copy'), { recursive: true });
    const original = await filesOf(folder, 'work');
    const resumed = await folder.run(['resume', 'copy/out.jsonl', '--progress', 'none']);
    const status = await folder.run(['status', 'copy/out.jsonl']);
    const report = await folder.run(['report', 'copy/out.jsonl', '--json']);
    const merged = await folder.run(['merge', 'copy/out.jsonl']);
    expect([resumed.exitCode, await idsIn(folder, 'copy/out.jsonl')]).toEqual([0, ids(12)]);
    expect(await filesOf(folder, 'work')).toEqual(original);
    expect(status.stdout).toContain(folder.at('copy/out.jsonl'));
    expect(status.stdout).not.toContain(folder.at('work/out.jsonl'));
    expect(JSON.parse(report.stdout)).toMatchObject({ run: { output_path: folder.at('copy/out.jsonl') } });
    expect(merged.stdout.split('\n')).toHaveLength(13);
  });

  test('under another name goes on under it', async () => {
    const folder = await killedRun();
    await rename(folder.at('work/out.jsonl'), folder.at('work/new.jsonl'));
    await rename(folder.at('work/out.jsonl.run.json'), folder.at('work/new.jsonl.run.json'));
    const { exitCode } = await folder.run(['resume', 'work/new.jsonl', '--progress', 'none']);
    expect([exitCode, await idsIn(folder, 'work/new.jsonl')]).toEqual([0, ids(12)]);
    expect(await readdir(folder.at('work'))).not.toContain('out.jsonl');
  });
});

describe('outputs whose names are alike', () => {
  test('keep a manifest each', async () => {
    const folder = await killedRun();
    await folder.write('other.jsonl', prompts(3, 50));
    const other = await folder.run(['run', 'other.jsonl', '-o', 'work/out', ...mock()]);
    const resumed = await folder.run(['resume', 'work/out.jsonl', '--progress', 'none']);
    expect([other.exitCode, resumed.exitCode]).toEqual([0, 0]);
    expect(await idsIn(folder, 'work/out.jsonl')).toEqual(ids(12));
    expect(await idsIn(folder, 'work/out')).toEqual(['r50', 'r51', 'r52']);
  });

  test('a run of llmbatch 0.1 goes on, its manifest gets its new name, and a shorter output does not take it', async () => {
    const folder = await killedRun();
    await rename(folder.at('work/out.jsonl.run.json'), folder.at('work/out.run.json'));
    const other = await folder.run(['run', 'work/in.jsonl', '-o', 'work/out', ...mock()]);
    const told = [5, expect.stringContaining(`out.run.json belongs to another run`)];
    expect([other.exitCode, other.stderr]).toEqual(told);
    const { exitCode } = await folder.run(['resume', 'work/out.jsonl', '--progress', 'none']);
    expect([exitCode, await idsIn(folder, 'work/out.jsonl')]).toEqual([0, ids(12)]);
    expect((await readdir(folder.at('work'))).toSorted()).toEqual(['in.jsonl', 'out.jsonl', 'out.jsonl.run.json']);
  });

  test('a link and what it leads to are one', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(3));
    await folder.run(['run', 'in.jsonl', '-o', 'other.jsonl', ...mock()]);
    await writeFile(folder.at('real.jsonl'), '');
    await symlink('real.jsonl', folder.at('link.jsonl'));
    // Ends only when it is ended.
    const run = folder.start(['run', 'in.jsonl', '-o', 'link.jsonl', ...mock('latency_ms=600000')]);
    await until(async () => (await readdir(folder.path)).includes('real.jsonl.run.json'));
    const twice = await folder.run(['run', 'in.jsonl', '-o', 'real.jsonl', ...mock()]);
    const merge = await folder.run(['merge', 'other.jsonl', '-o', 'link.jsonl', '--overwrite']);
    const status = await folder.run(['status', 'link.jsonl', '--json']);
    expect([twice.exitCode, merge.exitCode]).toEqual([5, 5]);
    expect(JSON.parse(status.stdout)).toMatchObject({ state: 'running', output: folder.at('real.jsonl') });
    run.child.kill('SIGKILL');
    expect((await run.outcome).exitCode).toBeNull();
  });
});
