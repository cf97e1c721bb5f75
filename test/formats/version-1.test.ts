import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ResultLine } from '../../src/core/result-line.ts';
import { describeHardware } from '../../src/run/choose/saved-settings.ts';
import { type CliFolder, allFiles, mock, readResults } from '../helpers/run-cli.ts';
import { version1Folder } from '../helpers/version-1.ts';

const ids = Array.from({ length: 12 }, (_, index) => `r${index + 1}`);

const idsIn = (results: readonly ResultLine[]): string[] => results.map(({ custom_id }) => custom_id);

const withoutOrder = (lines: readonly string[]): string[] => lines.toSorted();

/** Runs that were stopped, with the output of each. */
const stopped = [
  ['killed', 'in.results.jsonl'],
  ['interrupted', 'in.results.jsonl'],
  ['piped', 'out.jsonl'],
  ['conversation', 'in.results.jsonl'],
] as const;

const resume = (folder: CliFolder, ...args: string[]): ReturnType<CliFolder['run']> =>
  folder.run(['resume', ...args, '--progress', 'none']);

describe.each(stopped)('a run of version 1 that was stopped (%s)', (name, output) => {
  test('is told by status, with what its output holds', async () => {
    const folder = await version1Folder(name);
    const done = (await folder.results(output)).length;
    const { exitCode, stdout } = await folder.run(['status', output, '--json']);
    expect([exitCode, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ state: 'stopped', output: folder.at(output), done, total: 12, succeeded: done }),
    ]);
  });

  test('is told by report', async () => {
    const folder = await version1Folder(name);
    const done = (await folder.results(output)).length;
    const { exitCode, stdout } = await folder.run(['report', output, '--json']);
    expect(exitCode).toBe(0);
    // What a killed run did since it last wrote its manifest stands in its output alone.
    const backend = ['killed', 'interrupted'].includes(name) ? 'mock' : 'unknown';
    expect(JSON.parse(stdout)).toMatchObject({
      done,
      succeeded: done,
      run: { backend, output_path: folder.at(output) },
    });
  });

  test.each([
    ['its own user', true],
    ['somebody else', false],
  ])('is gone on with by %s, and each request has one answer', async (_user, isOwn) => {
    const folder = await version1Folder(name, { isOwn });
    const before = (await folder.text(output)).trimEnd().split('\n');
    const { exitCode, stderr } = await resume(folder, output);
    expect([exitCode, stderr.includes('was not started by you')]).toEqual([0, !isOwn]);
    const after = (await folder.text(output)).trimEnd().split('\n');
    expect(idsIn(readResults(after.join('\n')))).toEqual(ids);
    // What was answered is not sent again.
    expect(withoutOrder(after.filter((line) => before.includes(line)))).toEqual(withoutOrder(before));
    // It has become a run of the version of today.
    expect(JSON.parse(await folder.text(`${output}.run.json`))).toMatchObject({
      schema_version: 2,
      sessions: 2,
      state: 'finished',
      settings: { backend: 'mock', prompt_template: null },
      runner: { max_error_rate: 0.5 },
      connection: [],
      summary: { done: 12, in_flight: 0 },
    });
  });

  test('is found by a bare resume, where it is of this user', async () => {
    const folder = await version1Folder(name);
    const { exitCode } = await resume(folder);
    expect([exitCode, idsIn(await folder.results(output))]).toEqual([0, ids]);
    const others = await version1Folder(name, { isOwn: false });
    const refused = await resume(others);
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('nothing was run')]);
  });
});

test('a run of version 1 to stdout goes on, and prints what is new', async () => {
  const folder = await version1Folder('to-stdout');
  const files = await allFiles(join(folder.path, '..', 'state'));
  const output = files.find((path) => path.endsWith('/results.jsonl'))!;
  const before = idsIn(readResults(await readFile(output, 'utf8')));
  const { exitCode, stdout } = await resume(folder, output);
  expect([exitCode, idsIn(readResults(await readFile(output, 'utf8')))]).toEqual([0, ids]);
  expect(withoutOrder([...before, ...idsIn(readResults(stdout))])).toEqual(withoutOrder(ids));
});

test('the conversations of version 1 go on where they were, each with its own history', async () => {
  const folder = await version1Folder('conversation');
  const before = idsIn(await folder.results('in.results.jsonl'));
  await resume(folder, 'in.results.jsonl');
  const later = (await folder.results('in.results.jsonl')).filter(({ custom_id }) => !before.includes(custom_id));
  expect(new Set(later.map(({ llmbatch }) => llmbatch.conversation?.worker))).toEqual(new Set([0, 1]));
  const turns = later.map(({ llmbatch }) => llmbatch.conversation?.turn);
  expect(turns).toEqual([5, 5, 6, 6]);
  const report = await folder.run(['report', 'in.results.jsonl', '--json']);
  expect(JSON.parse(report.stdout)).toMatchObject({ done: 12, succeeded: 12, run: { backend: 'mock', total: 12 } });
  // Trimmed to one turn before, and one turn more since.
  expect(later.map(({ llmbatch }) => llmbatch.conversation?.history)).toEqual([4, 4, 6, 6]);
});

describe('a finished run of version 1', () => {
  test('is told by status and report, and sends nothing again', async () => {
    const folder = await version1Folder('finished');
    const before = await folder.text('in.results.jsonl');
    const status = await folder.run(['status', 'in.results.jsonl', '--json']);
    const report = await folder.run(['report', 'in.results.jsonl', '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({
      state: 'finished',
      done: 6,
      errors: {},
      latency_ms: { count: 6 },
      models: [{ backend: 'mock', model: 'mock', digest: null, version: 'mock 1' }],
      mode: { name: 'independent' },
    });
    expect(JSON.parse(report.stdout)).toMatchObject({ succeeded: 6, tokens: { prompt: 72, completion: 6 } });
    expect((await resume(folder, 'in.results.jsonl')).exitCode).toBe(0);
    expect(await folder.text('in.results.jsonl')).toBe(before);
  });

  test('is refused another setting by its name', async () => {
    const folder = await version1Folder('finished');
    const again = ['run', 'in.jsonl', ...mock('answer=hash')];
    const refused = await folder.run([...again, '--temperature', '0.5']);
    expect([refused.exitCode, refused.stderr]).toEqual([5, expect.stringContaining('--temperature default →')]);
    expect((await folder.run(again)).exitCode).toBe(0);
  });

  test('is merged with one that was stopped', async () => {
    const folder = await version1Folder('finished');
    const other = await version1Folder('killed');
    const merged = await folder.run(['merge', 'in.results.jsonl', other.at('in.results.jsonl')]);
    expect([merged.exitCode, idsIn(readResults(merged.stdout))]).toEqual([0, ids.slice(0, 8)]);
  });
});

describe('a run of version 1 with failures', () => {
  const output = 'people.results.jsonl';

  test('is told with their kinds', async () => {
    const folder = await version1Folder('failures');
    const { stdout } = await folder.run(['report', output, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      done: 8,
      succeeded: 2,
      errors: { input: 1, 'bad-request': 2, 'schema-invalid': 2, overloaded: 1 },
      tokens: { prompt: 59, completion: 4, uncounted: 3 },
    });
  });

  test('tries the transient ones again, and keeps the rest and their rows', async () => {
    const folder = await version1Folder('failures');
    const before = await folder.results(output);
    const { exitCode } = await resume(folder, output, '--retries', '5');
    const after = await folder.results(output);
    expect([exitCode, after.length]).toEqual([3, 8]);
    const failed = before.filter(({ error }) => error?.code === 'overloaded').map(({ custom_id }) => custom_id);
    expect(failed).toEqual(['p4']);
    const isOther = ({ custom_id }: ResultLine): boolean => !failed.includes(custom_id);
    expect(after.filter(isOther)).toEqual(before.filter(isOther));
    const tried = after.find(({ custom_id }) => custom_id === 'p4');
    expect(tried?.llmbatch.started_at).not.toBe(
      before.find(({ custom_id }) => custom_id === 'p4')?.llmbatch.started_at,
    );
    expect(tried?.llmbatch.row).toEqual({ id: 'p4', name: 'Barbara', skills: 'sql', city: 'Los Angeles' });
  });
});

describe('a bench of version 1', () => {
  test('is reported again', async () => {
    const folder = await version1Folder('bench');
    const { exitCode, stdout } = await folder.run(['bench', '--report', 'bench', '--json']);
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ trials: expect.any(Array) })]);
    expect(await readdir(folder.at('bench'))).toEqual(expect.arrayContaining(['report.html', 'report.md']));
  });

  test('goes on with the trials that it has not run', async () => {
    const folder = await version1Folder('bench-stopped');
    const before = await folder.text('bench/trials.jsonl');
    const { exitCode } = await folder.run(['bench', '--resume', 'bench', '--progress', 'none']);
    expect(exitCode).toBe(0);
    const after = await folder.text('bench/trials.jsonl');
    expect(after.startsWith(before)).toBe(true);
    expect(after.split('\n').filter((line) => line.includes('"type":"trial"'))).toHaveLength(4);
  });

  test('has saved a setting that run --workers auto takes', async () => {
    const folder = await version1Folder('best-settings');
    const settings = join(folder.path, '..', 'state', 'llmbatch', 'best-settings');
    const [name = ''] = await readdir(settings);
    const kept = JSON.parse(await readFile(join(settings, name), 'utf8')) as object;
    // It was measured on another machine.
    const here = { ...kept, hardware: await describeHardware(process.env) };
    await writeFile(join(settings, name), JSON.stringify(here));
    await folder.write('in.jsonl', '{"prompt":"one"}\n');
    const { stderr } = await folder.run(['run', 'in.jsonl', '-v', ...mock('answer=hash', 'latency_ms=10', 'slots=2')]);
    expect(stderr).toContain('workers: 2, the best that a bench found on 2026-11-30');
  });
});
