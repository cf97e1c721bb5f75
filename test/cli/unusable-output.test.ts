import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { canMount, mountTmpfs } from '../helpers/mount-tmpfs.ts';
import { countLines, createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';

const output = 'in.results.jsonl';
const slow = mock('latency_ms=40', 'slots=4');

describe('an output that can not be used ends the run with exit code 5:', () => {
  test('locked by a live run, whose pid is told', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(400));
    const first = folder.start(['run', 'in.jsonl', ...slow]);
    await until(async () => (await countLines(folder.at(output))) > 0);
    const second = await folder.run(['run', 'in.jsonl', ...slow]);
    const overwrite = await folder.run(['run', 'in.jsonl', '--overwrite', ...slow]);
    for (const { exitCode, stderr } of [second, overwrite]) {
      expect([exitCode, stderr]).toEqual([
        5,
        expect.stringContaining(`is being written by process ${first.child.pid}`),
      ]);
    }
    first.child.kill('SIGINT');
    expect((await first.outcome).exitCode).toBe(130);
  });

  test('deleted under the run', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(400));
    const run = folder.start(['run', 'in.jsonl', ...slow]);
    await until(async () => (await countLines(folder.at(output))) > 0);
    await rm(folder.at(output));
    const { exitCode, stderr } = await run.outcome;
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('was deleted or replaced')]);
  });

  test('whose lock was taken away', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(1000));
    const run = folder.start(['run', 'in.jsonl', ...slow]);
    await until(async () => (await countLines(folder.at(output))) > 0);
    await rm(folder.at(`${output}.lock`));
    const { exitCode, stderr } = await run.outcome;
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('was removed by another process')]);
  });

  test('written by another program too', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(400));
    const run = folder.start(['run', 'in.jsonl', ...slow]);
    await until(async () => (await countLines(folder.at(output))) > 0);
    await folder.write(output, 'mine now\n');
    const { exitCode, stderr } = await run.outcome;
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('was changed by another program')]);
    expect(await folder.text(output)).toBe('mine now\n');
  });

  test.skipIf(!canMount())(
    'on a full disk (needs root: a small tmpfs), and a resume with room completes it',
    async () => {
      const folder = await createCliFolder();
      await folder.write('in.jsonl', prompts(400));
      const disk = mountTmpfs(folder.at('disk'), 'size=128k');
      const first = await folder.run(['run', 'in.jsonl', '-o', 'disk/out.jsonl', ...mock()]);
      expect([first.exitCode, first.stderr]).toEqual([5, expect.stringContaining('no space left on the disk')]);
      expect(first.stderr).toContain('Make room, then give the same command again.');
      const kept = await folder.text('disk/out.jsonl');
      expect(kept.endsWith('\n')).toBe(true);
      expect((await folder.results('disk/out.jsonl')).length).toBeGreaterThan(0);
      disk.remount('size=4m');
      const second = await folder.run(['resume', 'disk/out.jsonl', '--progress', 'none']);
      expect(second.exitCode).toBe(0);
      expect(await folder.results('disk/out.jsonl')).toHaveLength(400);
      expect((await folder.text('disk/out.jsonl')).startsWith(kept)).toBe(true);
    },
  );

  test.skipIf(!canMount())('in a read-only place (needs root: a read-only mount)', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(3));
    mountTmpfs(folder.at('disk'), 'size=64k,ro');
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', '-o', 'disk/out.jsonl', ...mock()]);
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('Choose another place with -o.')]);
  });

  test('below a path that is no folder', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(3));
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', '-o', 'in.jsonl/out.jsonl', ...mock()]);
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('Choose another place with -o.')]);
  });
});
