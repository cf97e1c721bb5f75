import { readdir, rm, truncate } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CliFolder, createCliFolder, mock, prompts } from '../helpers/run-cli.ts';

const output = 'in.results.jsonl';
const manifest = `${output}.run.json`;

/** A run whose output has five of its ten results. */
async function halfRun(): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(10));
  await folder.run(['run', 'in.jsonl', ...mock('answer=text:old')]);
  const lines = (await folder.text(output)).split('\n').slice(0, 5);
  await truncate(folder.at(output), Buffer.byteLength(`${lines.join('\n')}\n`));
  return folder;
}

const answers = async (folder: CliFolder): Promise<unknown[]> =>
  (await folder.results(output)).map(({ response }) => response?.body.choices?.[0]?.message?.content);

describe('results whose manifest', () => {
  test('is lost are taken up by the run command, and looked at by status and report', async () => {
    const folder = await halfRun();
    await rm(folder.at(manifest));
    const status = await folder.run(['status', output]);
    const asJson = await folder.run(['status', output, '--json']);
    const report = await folder.run(['report', output, '--json']);
    expect([status.exitCode, status.stdout]).toEqual([0, expect.stringContaining('5 requests done')]);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ state: 'unknown', done: 5, run_id: null });
    expect(report.exitCode).toBe(0);
    const resume = await folder.run(['resume', output]);
    expect([resume.exitCode, resume.stderr]).toEqual([2, expect.stringContaining('the run command that made them')]);
    const run = await folder.run(['run', 'in.jsonl', ...mock('answer=text:new')]);
    expect([run.exitCode, run.stderr]).toEqual([0, expect.stringContaining('its 5 results are of this input')]);
    expect(await answers(folder)).toEqual([...Array(5).fill('old'), ...Array(5).fill('new')]);
  });

  test('is lost are not taken up by another model, nor for another input', async () => {
    const folder = await halfRun();
    await rm(folder.at(manifest));
    await folder.write('other.jsonl', prompts(10, 5));
    const before = await folder.text(output);
    const model = await folder.run(['run', 'in.jsonl', ...mock(), '-m', 'mock:other']);
    const input = await folder.run(['run', 'other.jsonl', '-o', output, ...mock()]);
    expect([model.exitCode, model.stderr]).toEqual([5, expect.stringContaining('--model mock → mock:other')]);
    expect([input.exitCode, input.stderr]).toEqual([5, expect.stringContaining('not from this input')]);
    expect([await folder.text(output), await readdir(folder.path)]).toEqual([
      before,
      ['in.jsonl', output, 'other.jsonl'],
    ]);
  });

  test.each([
    ['is broken', '{"schema_version":1,'],
    ['was written by a newer llmbatch', '{"schema_version":3}'],
  ])('%s stay, are reported, and nobody is told to delete them', async (_name, text) => {
    const folder = await halfRun();
    await folder.write(manifest, text);
    const before = await folder.text(output);
    const told = [];
    for (const words of [
      ['run', 'in.jsonl', ...mock()],
      ['run', 'in.jsonl', ...mock(), '--overwrite'],
      ['resume', output],
    ]) {
      told.push(await folder.run(words));
    }
    expect(told.map(({ exitCode }) => exitCode)).toEqual([5, 5, 5]);
    for (const { stderr } of told) expect(stderr).not.toContain('--overwrite');
    expect([await folder.text(output), await folder.text(manifest)]).toEqual([before, text]);
    expect((await folder.run(['report', output])).exitCode).toBe(0);
    expect((await folder.run(['status', output])).stdout).toContain('5 requests done');
  });
});

test('a resume of a run whose output is gone sends nothing', async () => {
  const folder = await halfRun();
  await rm(folder.at(output));
  const { exitCode, stderr } = await folder.run(['resume', output]);
  expect([exitCode, stderr]).toEqual([5, expect.stringContaining('is gone')]);
  expect((await folder.run(['run', 'in.jsonl', ...mock('answer=text:old')])).exitCode).toBe(0);
  expect(await answers(folder)).toHaveLength(10);
});
