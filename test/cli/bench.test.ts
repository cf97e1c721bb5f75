import { chmod, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BenchRecord, TrialRecord } from '../../src/bench/records/records.ts';
import { type CliFolder, countLines, createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';
import { plantTimes } from './plant-times.ts';

const bundledModel = new URL('../../fixtures/tiny-scorer.gguf', import.meta.url);

const bench = (...more: string[]): string[] => ['bench', ...mock('latency_ms=5', 'slots=2'), ...more];

const recordsOf = async (folder: CliFolder, name: string): Promise<BenchRecord[]> =>
  (await folder.text(join(name, 'trials.jsonl')))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as BenchRecord);

const trialsOf = async (folder: CliFolder, name: string): Promise<TrialRecord[]> =>
  (await recordsOf(folder, name)).filter((record) => record.type === 'trial');

/** The driver's tool, of a card of whose memory each look finds 100 MiB more in use. A batch has two looks. */
const leakingCard = `#!/bin/sh
case "$*" in
  *name*)
    used=$(cat used)
    echo "Leaky, 1.0, 16384, $used, 1000"
    echo $((used + 100)) > used;;
  *) sleep 60;;
esac
`;

describe('llmbatch bench', () => {
  test('measures each trial, and prints and saves the best of what it measured', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(300));
    const engine = mock('slots=2');
    const flags = ['--workers', '1,2,4', '--sizes', '300', '-o', 'b'];
    const measured = await folder.run(['bench', 'in.jsonl', ...engine, ...flags]);
    expect([measured.exitCode, measured.stderr]).toEqual([0, expect.stringContaining('trial 9 of 9: mock mock, ')]);
    expect(measured.stdout).toMatch(/^1 worker +\S.* 3$/m);
    await plantTimes(folder.at('b/trials.jsonl'), ({ workers }) => 50 * Math.min(workers ?? 0, 2));
    const { stdout, exitCode } = await folder.run(['bench', '--resume', 'b']);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^1 worker +(49|50|51)\.\d.* 3$/m)]);
    expect(stdout).toMatch(/More workers don't help\.[^]*Use\s+--workers\s+2/);
    expect(stdout).toMatch(/Saved for `run --workers auto`: mock mock, 2 workers \(.* req\/s\), in .*best-settings/);
    const take = (name: string, ...more: string[]) =>
      folder.run(['run', 'in.jsonl', '--limit', '10', '-o', name, ...more]);
    const run = await take('run.jsonl', '--verbose', ...engine);
    expect(run.stderr).toMatch(/^workers: 2, the best that a bench found on \d{4}-\d\d-\d\d \(/m);
    expect((await take('other.jsonl', '-v', ...mock('slots=3'))).stderr).not.toContain('workers: 2');
    expect((await take('asked.jsonl', '-v', ...engine, '--workers', '1')).stderr).not.toContain('workers: 2');
  });

  test('writes into its folder alone, and no resume or status finds its trials', async () => {
    const folder = await createCliFolder();
    const { exitCode, stdout } = await folder.run([
      'bench',
      ...mock(),
      '--workers',
      '2',
      '--sizes',
      '20',
      '--name',
      'my bench',
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).not.toMatch(/A\s+repeated\s+prompt/);
    expect(await readdir(folder.path)).toEqual(['bench-results']);
    const [name] = await readdir(folder.at('bench-results'));
    expect(name).toMatch(/^\d{4}-\d\d-\d\d-my-bench$/);
    const { exitCode: resumed, stderr } = await folder.run(['resume']);
    expect([resumed, stderr]).toEqual([2, expect.stringContaining('no unfinished run was started in this folder')]);
    const [plan] = await recordsOf(folder, join('bench-results', name!));
    expect(plan).toMatchObject({ type: 'plan', input: { path: null, requests: 500 }, seed: 1, schema_version: 2 });
    const environment = JSON.parse(await folder.text(join('bench-results', name!, 'environment.json'))) as object;
    expect(environment).toMatchObject({ schema_version: 2, settings: { backend: 'mock' } });
  });

  test('killed in the second half of 12 trials goes on: 12 trials, none twice', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(200));
    const engine = mock('latency_ms=20');
    const args = ['bench', 'in.jsonl', ...engine, '--workers', '1,2,3,4', '--sizes', '60', '--repeat', '3'];
    const { child, outcome } = folder.start(args);
    const name = join('bench-results', `${new Date().toISOString().slice(0, 10)}-mock`);
    const seventh = folder.at(join(name, 'outputs', '07.results.jsonl'));
    await until(async () => (await countLines(seventh)) > 0);
    child.kill('SIGKILL');
    await outcome;
    const { length: ended } = await trialsOf(folder, name);
    expect(ended).toBeGreaterThanOrEqual(6);
    // What a crash tears.
    await writeFile(folder.at(join(name, 'trials.jsonl')), '{"type":"trial","spec":{"num', { flag: 'a' });
    const resumed = await folder.run(['bench', '--resume', '--progress', 'none']);
    expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.stringContaining(`trial ${ended + 1} of 12`)]);
    expect(resumed.stderr).not.toContain(`trial ${ended} of 12`);
    const trials = await trialsOf(folder, name);
    expect(trials.map(({ spec }) => spec.number)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    for (const { output, succeeded } of trials) {
      expect([await countLines(folder.at(join(name, output!))), succeeded]).toEqual([60, 60]);
    }
    const again = await folder.run(['bench', '--resume', name, '--progress', 'none']);
    expect([again.exitCode, (await trialsOf(folder, name)).length]).toEqual([0, 12]);
    expect((await folder.run(['bench', '--resume'])).stderr).toContain('no unfinished bench');
  });

  test('Ctrl-C keeps the trials that ended, exits 130 and says how to go on', async () => {
    const folder = await createCliFolder();
    const { child, outcome, stderr } = folder.start(
      bench('--workers', '1,2', '--sizes', '100', '--repeat', '2', '-o', 'b'),
    );
    await until(() => stderr().includes('trial 1 of 4'));
    child.kill('SIGINT');
    expect(await outcome).toMatchObject({
      exitCode: 130,
      stdout: '',
      stderr: expect.stringContaining('Go on with: llmbatch bench --resume b\n'),
    });
    const before = (await trialsOf(folder, 'b')).length;
    expect(before).toBeGreaterThan(0);
    expect((await folder.run(['bench', '--resume', 'b'])).exitCode).toBe(0);
    expect(await trialsOf(folder, 'b')).toHaveLength(4);
  });

  test('a failed trial is recorded, and the bench goes on: exit 3', async () => {
    const folder = await createCliFolder();
    const { exitCode, stdout } = await folder.run([
      ...['bench', ...mock(), '--sizes', '20', '--repeat', '1', '--workers', '1'],
      ...['--options', 'context_tokens=0,-1', '-o', 'b'],
    ]);
    expect([exitCode, stdout]).toEqual([2, '']);
    const failing = await folder.run([
      ...['bench', '--backends', `mock,llama-cpp:missing.gguf`, '-m', 'mock', '--sizes', '20', '--repeat', '1'],
      ...['--workers', '1', '-o', 'b', '--json', '--progress', 'none'],
    ]);
    expect(failing.exitCode).toBe(3);
    const states = (await trialsOf(folder, 'b')).map(({ spec, state, error }) => [spec.backend, state, error]);
    expect(states).toContainEqual(['mock', 'finished', null]);
    expect(states).toContainEqual(['llama-cpp', 'failed', expect.stringContaining('missing.gguf')]);
    const json = JSON.parse(failing.stdout) as { trials: { record: TrialRecord }[]; folder: string };
    expect([json.folder, json.trials.length]).toEqual(['b', 2]);
  });

  test('what failed is tried again by --resume, and what a failed start leaves is nothing', async () => {
    const folder = await createCliFolder();
    const engines = ['bench', '--backends', 'mock,llama-cpp:engine.gguf', '-m', 'mock', '--progress', 'none'];
    const first = await folder.run([...engines, '--sizes', '20', '--repeat', '1', '--workers', '1']);
    expect(first.exitCode).toBe(3);
    await cp(bundledModel, folder.at('engine.gguf'));
    const again = await folder.run(['bench', '--resume', '--progress', 'none']);
    expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('llama-cpp engine.gguf')]);
    expect((await folder.run(['bench', '--resume'])).stderr).toContain('no unfinished bench');
    const [name] = await readdir(folder.at('bench-results'));
    expect((await folder.run(['bench', 'missing.jsonl', ...mock()])).exitCode).toBe(2);
    expect(await readdir(folder.at('bench-results'))).toEqual([name]);
  });

  test('nothing but failed trials is exit 4', async () => {
    const folder = await createCliFolder();
    const args = [
      'bench',
      '-b',
      'llama-cpp',
      '-m',
      'missing.gguf',
      '--sizes',
      '5',
      '--repeat',
      '1',
      '--workers',
      '1,2',
    ];
    const { exitCode, stdout } = await folder.run(args);
    expect([exitCode, stdout]).toEqual([4, expect.stringContaining('failed')]);
  });

  test('a wrong model stops its trials at the first of them, and its table has nothing that was not measured', async () => {
    const folder = await createCliFolder();
    const args = ['bench', '-b', 'llama-cpp', '-m', 'missing.gguf', '--workers', '1,2', '-o', 'b'];
    const { exitCode, stdout } = await folder.run(args);
    expect([exitCode, stdout]).toEqual([
      4,
      expect.stringMatching(/^llama-cpp missing\.gguf: failed: [^]*missing\.gguf\n/),
    ]);
    expect(stdout).not.toMatch(/Nothing saved|Projection|p50, 95/);
    expect(await trialsOf(folder, 'b')).toHaveLength(1);
  });

  test('trials of a slow engine are stopped in time, and give an answer with its uncertainty', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(500));
    const engine = mock('latency_ms=200', 'slots=2');
    const flags = ['--workers', '1,2', '--budget', '6s', '--repeat', '1', '-o', 'b', '--json'];
    const { exitCode, stdout } = await folder.run(['bench', 'in.jsonl', ...engine, ...flags]);
    expect(exitCode).toBe(0);
    const trials = await trialsOf(folder, 'b');
    for (const { spec, state, succeeded, failed } of trials) {
      expect([spec.size, state, failed]).toEqual([500, 'finished', 0]);
      expect(succeeded).toBeGreaterThan(0);
      expect(succeeded).toBeLessThan(60);
    }
    expect(trials.reduce((sum, { seconds }) => sum + seconds, 0)).toBeLessThan(7);
    const json = JSON.parse(stdout) as {
      recommendations: string[];
      saved: object[];
      agreements: { compared: number }[];
    };
    expect(json.recommendations).toEqual([
      expect.stringMatching(/^Probably best: --workers \d, about [\d.]+ req\/s \(/),
    ]);
    expect(json.saved).toEqual([]);
    // What both answered before they were stopped.
    const answered = Math.min(...trials.map(({ succeeded }) => succeeded));
    expect(json.agreements.at(-1)?.compared).toBe(answered);
  });

  test('a budget leaves out what does not fit, after each point had its first trial, and says so', async () => {
    const folder = await createCliFolder();
    // Two trials take 0.3 s, and all of them 15 s, however fast the machine is.
    const flags = ['--workers', '1,2', '--sizes', '40', '--repeat', '50', '--budget', '4s', '-o', 'b'];
    const { exitCode, stdout } = await folder.run(bench(...flags));
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/The budget left out \d+: \d+ x mock mock, /)]);
    const records = await recordsOf(folder, 'b');
    const trials = await trialsOf(folder, 'b');
    const plan = records.find((record) => record.type === 'plan');
    const end = records.find((record) => record.type === 'end') as { left_out: number[] } | undefined;
    const seconds = trials.slice(0, -1).reduce((sum, trial) => sum + trial.seconds, 0);
    expect(seconds).toBeLessThan(4);
    expect(new Set(trials.slice(0, 2).map(({ spec }) => spec.workers))).toEqual(new Set([1, 2]));
    expect([plan?.trials.length, end?.left_out.length]).toEqual([100, 100 - trials.length]);
  });

  test('batches of one loaded model are checked for stability: exit 3 when a check fails', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(50));
    const args = ['bench', 'in.jsonl', ...mock(), '--workers', '2', '--sizes', '100', '--batches', '3', '-o', 'b'];
    const measured = await folder.run(args);
    expect(measured.stdout).toContain('Stability of 3 batches, mock mock');
    expect(measured.stdout).toContain('The input has 50 requests, and trials of up to 100 send some of them more');
    expect((await trialsOf(folder, 'b')).map(({ spec }) => spec.batch)).toEqual([1, 2, 3]);
    await plantTimes(folder.at('b/trials.jsonl'), () => 50);
    const steady = await folder.run(['bench', '--report', 'b']);
    expect([steady.exitCode, steady.stdout]).toEqual([0, expect.stringMatching(/rate variance +passed /)]);
    await plantTimes(folder.at('b/trials.jsonl'), ({ batch }) => (batch === 2 ? 40 : 50));
    const uneven = await folder.run(['bench', '--report', 'b']);
    expect([uneven.exitCode, uneven.stdout]).toEqual([3, expect.stringMatching(/rate variance +FAILED /)]);
    const allowed = await folder.run(['bench', '--report', 'b', '--rate-variance', '90%']);
    expect([allowed.exitCode, allowed.stdout]).toEqual([0, expect.stringMatching(/rate variance +passed /)]);
  });

  test('batches that were stopped begin anew: they are about one loaded model', async () => {
    const folder = await createCliFolder();
    const args = ['bench', ...mock('latency_ms=5'), '--workers', '2', '--sizes', '200', '--batches', '3', '-o', 'b'];
    const { child, outcome } = folder.start(args);
    await until(async () => (await countLines(folder.at('b/outputs/02.results.jsonl'))) > 0);
    child.kill('SIGKILL');
    await outcome;
    const { length: ended } = await trialsOf(folder, 'b');
    expect(ended).toBeLessThan(3);
    const { stdout } = await folder.run(['bench', '--resume', 'b', '--progress', 'none']);
    expect(stdout).toMatch(/reloads +passed +0 /);
    expect((await trialsOf(folder, 'b')).map(({ spec, reloads }) => [spec.number, reloads])).toEqual(
      [1, 2]
        .slice(0, ended)
        .concat([1, 2, 3])
        .map((number) => [number, 0]),
    );
  });

  test('answers that change with so many workers are marked', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(400));
    const engine = mock('latency_ms=5', 'answers_change_at=8');
    const trials = ['--workers', '2,8', '--sizes', '400', '--repeat', '1', '-o', 'b'];
    const { stdout, exitCode } = await folder.run(['bench', 'in.jsonl', ...engine, ...trials]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Settings that change the answers: #\d \(2\d\.\d%\)\./);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('Answers differ at --workers 8.');
    expect(await folder.text('b/report.md')).toMatch(/8 workers .*CHANGES ANSWERS \(2\d\.\d%\)/);
  });

  test('GPU memory that grows batch after batch is found: exit 3', async () => {
    const folder = await createCliFolder();
    await folder.write('nvidia-smi', leakingCard);
    await folder.write('used', '1000');
    await chmod(folder.at('nvidia-smi'), 0o755);
    const environment = { PATH: `${folder.path}${delimiter}${process.env['PATH']}` };
    const args = ['bench', ...mock('latency_ms=2'), '--workers', '2', '--sizes', '50', '--batches', '4', '-o', 'b'];
    const { exitCode, stdout } = await folder.run([...args, '--rate-variance', '100%'], { environment });
    expect([exitCode, stdout]).toEqual([
      3,
      expect.stringMatching(/VRAM leak +FAILED +\+200\.0 MiB from batch to batch/),
    ]);
    expect(stdout).toMatch(/VRAM delta +passed /);
  });

  test('--report reads a bench again, and runs nothing', async () => {
    const folder = await createCliFolder();
    const first = await folder.run(bench('--workers', '1,2', '--sizes', '100', '--repeat', '1', '-o', 'b'));
    await rm(folder.at('b/outputs'), { recursive: true });
    const again = await folder.run(['bench', '--report', 'b']);
    expect([again.exitCode, again.stderr]).toEqual([0, '']);
    expect(again.stdout.split('\n\n')[0]).toBe(first.stdout.split('\n\n')[0]);
  });

  test('refuses a folder that holds a bench, and what it does not know', async () => {
    const folder = await createCliFolder();
    const args = ['bench', ...mock(), '--workers', '1', '--sizes', '5', '--repeat', '1', '-o', 'b'];
    expect((await folder.run(args)).exitCode).toBe(0);
    await mkdir(folder.at('empty'));
    await mkdir(folder.at('mine'));
    await folder.write('mine/notes.txt', 'mine');
    const wrong = await Promise.all(
      [
        args,
        ['bench', '--workers', '1,,2'],
        ['bench', '--strategies', 'fast'],
        ['bench', '--backends', 'ollam:x'],
        ['bench', ...mock(), '--options', 'nothing=1'],
        ['bench', 'missing.jsonl', ...mock()],
        ['bench', '--report', 'missing'],
        ['bench', '--resume', 'missing'],
        ['bench', '--resume', 'b', '--workers', '2'],
        ['bench', '--resume', 'b', '--budget', '2h'],
        ['bench', '--resume', 'b', '-m', 'other'],
        ['bench', '--report', 'b', '--options', 'slots=2'],
        ['bench', ...mock(), '-o', 'mine'],
        ['bench', 'missing.jsonl', ...mock(), '-o', 'empty'],
        ['bench', 'missing.jsonl', ...mock(), '-o', 'deep/er/est'],
        ['bench', ...mock(), '--price-in', '-5'],
        ['report', 'b', '--format', 'html'],
      ].map((words) => folder.run(words)),
    );
    expect(wrong.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual(Array(17).fill([2, '']));
    expect(wrong[0]?.stderr).toContain('Continue it: llmbatch bench --resume b.');
    expect(wrong[12]?.stderr).toContain('-o: the folder mine is not empty');
    expect(wrong.at(-1)?.stderr).toContain('llmbatch bench --report b');
    expect((await readdir(folder.path)).toSorted()).toEqual(['b', 'empty', 'mine']);
    expect(await readdir(folder.at('empty'))).toEqual([]);
  });
});
