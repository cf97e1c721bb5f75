import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { socketPathOf } from '../../src/run/live/socket-path.ts';
import { startFakeOpenai } from '../helpers/fake-openai-server.ts';
import { type CliFolder, countLines, createCliFolder, prompts, until } from '../helpers/run-cli.ts';

const output = 'in.results.jsonl';

interface LiveState {
  output: string;
  paused: { by: string } | null;
  in_flight: number;
  workers: number;
}

/** Requests that four workers have for many minutes, and thousands for a second. */
const count = 6000;
const flags = ['-b', 'mock', '-m', 'mock', '--workers', '4', '--progress', 'none', '--option', 'latency_ms=200'];

/** A run that goes on until it is ended, or gets more workers. */
async function startLive() {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(count));
  const running = folder.start(['run', 'in.jsonl', ...flags]);
  await until(async () => (await countLines(folder.at(output))) > 8);
  return { folder, running };
}

const hurry = ['set', 'workers=2000'];

const askJson = async (folder: CliFolder, args: string[]): Promise<LiveState> =>
  JSON.parse((await folder.run([...args, '--json'])).stdout) as LiveState;

test('a run is paused, keeps what it has, and goes on', async () => {
  const { folder, running } = await startLive();
  const paused = await askJson(folder, ['pause', '--wait']);
  expect(paused).toMatchObject({
    paused: { by: expect.stringContaining('llmbatch pause of ') as string },
    in_flight: 0,
  });
  const done = await countLines(folder.at(output));
  await until(async () => (await folder.run(['status'])).stdout.startsWith('Paused: '));
  expect(await askJson(folder, ['pause'])).toMatchObject({ paused: paused.paused, in_flight: 0 });
  expect(await countLines(folder.at(output))).toBe(done);
  const refused = await folder.run(['resume', '--max-tokens', '5', '--workers=3']);
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain("keeps its settings: --max-tokens, --workers can't change them");
  const resumed = await folder.run(['resume']);
  expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.stringContaining('continues in its own process')]);
  await folder.run(hurry);
  const { exitCode, stderr } = await running.outcome;
  expect(exitCode).toBe(0);
  expect(stderr).toContain('paused by llmbatch pause of ');
  expect(stderr).toContain('the pause is ended by llmbatch resume of ');
  expect(await folder.results(output)).toHaveLength(count);
});

test('the number of workers is set while it runs, up and down', async () => {
  const { folder, running } = await startLive();
  expect(await askJson(folder, ['set', 'workers=1'])).toMatchObject({ workers: 1 });
  expect(await askJson(folder, ['set', 'workers=9', folder.at(output)])).toMatchObject({ workers: 9 });
  await until(async () => (await askJson(folder, ['set', 'workers=9'])).in_flight > 4);
  expect(await askJson(folder, ['set', 'workers=auto'])).toMatchObject({ workers: 4 });
  await folder.run(hurry);
  expect((await running.outcome).exitCode).toBe(0);
  expect(await folder.results(output)).toHaveLength(count);
});

test('status --watch shows it to its end, as objects and as lines', async () => {
  const { folder, running } = await startLive();
  const watchers = [
    folder.start(['status', '--watch', '--json']),
    folder.start(['status', '--watch', output]),
  ] as const;
  await Promise.all(watchers.map(({ child }) => once(child.stdout!, 'data')));
  await folder.run(hurry);
  const [objects, lines] = await Promise.all([watchers[0].outcome, watchers[1].outcome]);
  await running.outcome;
  const states = objects.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { final: boolean; done: number });
  expect(states.at(-1)).toMatchObject({ final: true, done: count });
  expect(states.slice(0, -1).every(({ final }) => !final)).toBe(true);
  expect(lines.stdout).toContain('the run has ended');
});

test('a paused run that is killed is resumed without its pause, and its socket blocks nobody', async () => {
  const { folder, running } = await startLive();
  await askJson(folder, ['pause', '--wait']);
  running.child.kill('SIGKILL');
  await running.outcome;
  const { exitCode, stderr } = await folder.run(['pause']);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('you have no run in progress')]);
  expect((await folder.run(['resume', '--workers', '2000', '--progress', 'none'])).exitCode).toBe(0);
  expect(await folder.results(output)).toHaveLength(count);
});

test('a paused run ends at Ctrl-C', async () => {
  const { folder, running } = await startLive();
  await askJson(folder, ['pause', '--wait']);
  running.child.kill('SIGINT');
  expect((await running.outcome).exitCode).toBe(130);
});

test('rubbish on the socket changes nothing, and only this user reaches it', async () => {
  const { folder, running } = await startLive();
  const path = socketPathOf(folder.at(output), { XDG_STATE_HOME: folder.at('../state') });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const say = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(path).setEncoding('utf8');
      let heard = '';
      socket.on('data', (chunk: string) => (heard += chunk));
      socket.on('close', () => resolve(heard));
      socket.write(text);
    });
  for (const text of ['rubbish\n', '{}\n', '{"version":9,"do":"pause","by":"x"}\n', 'x'.repeat(10_000)]) {
    expect(JSON.parse(await say(text))).toMatchObject({ ok: false });
  }
  expect(await askJson(folder, ['set', 'workers=3'])).toMatchObject({ paused: null });
  running.child.kill('SIGTERM');
  expect((await running.outcome).exitCode).toBe(143);
});

test('a run whose socket can not be made goes on', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(5));
  await mkdir(folder.at('../state/llmbatch'), { recursive: true });
  await writeFile(folder.at('../state/llmbatch/sockets'), 'a file');
  const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', ...flags, '-v']);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining("its socket can't be created")]);
});

test('a setting that there is not, and a value that it can not have, are refused with what to type', async () => {
  const folder = await createCliFolder();
  for (const [setting, message] of [
    ['workers=0', 'workers can\'t be "0"'],
    ['workers=9999', 'with N from 1 to 2048'],
    ['workers', 'workers has no value'],
    ['wrokers=3', 'has no setting "wrokers"'],
  ] as const) {
    const { exitCode, stderr } = await folder.run(['set', setting]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  }
});

test('status from another folder shows the one run that goes on, and its watcher ends at Ctrl-C', async () => {
  const { folder, running } = await startLive();
  const { output: path } = await askJson(folder, ['set', 'workers=3']);
  const elsewhere = await createCliFolder();
  const environment = { XDG_STATE_HOME: folder.at('../state') };
  const { exitCode, stdout } = await elsewhere.run(['status', '--json'], { environment });
  expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { state: 'running', output: path }]);
  const told = await Promise.all([elsewhere, folder].map((each) => each.run(['status'], { environment })));
  expect(told.map((each) => each.stdout.startsWith('Your run in progress, in another folder: '))).toEqual([
    true,
    false,
  ]);
  const watcher = elsewhere.start(['status', '--watch', '--json'], { environment });
  await once(watcher.child.stdout!, 'data');
  watcher.child.kill('SIGINT');
  await watcher.outcome;
  expect(watcher.child.signalCode).toBe('SIGINT');
  running.child.kill('SIGTERM');
  await running.outcome;
});

interface Status {
  state: string;
  done?: number;
  hours: string | null;
  background: boolean;
  paused: { by: string; until: string | null } | null;
  giving_way?: number;
}

/** What the files of the newest run say; null before there is one. */
async function statusOf(folder: CliFolder): Promise<Status | null> {
  const { stdout } = await folder.run(['status', '--json']);
  return stdout === '' ? null : (JSON.parse(stdout) as Status);
}

/** An hour of the day that is far from this one. */
const otherHours = (): string => {
  const hour = new Date().getHours();
  return `${(hour + 6) % 24}-${(hour + 7) % 24}`;
};

test('outside of its hours a run loads nothing, says until when, and keeps them on a resume', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(40));
  const hours = otherHours();
  const running = folder.start(['run', 'in.jsonl', ...flags, '--hours', hours]);
  await until(async () => (await statusOf(folder))?.paused?.until != null);
  expect(await statusOf(folder)).toMatchObject({ hours, paused: { by: `the hours ${hours}` } });
  expect((await folder.run(['status'])).stdout).toContain(`works in the hours ${hours}`);
  await askJson(folder, ['pause']);
  const unpaused = await folder.run(['resume']);
  expect([unpaused.exitCode, unpaused.stderr]).toEqual([0, expect.stringContaining('is outside its hours')]);
  running.child.kill('SIGKILL');
  expect((await running.outcome).stderr).toContain('no new requests until ');
  const resumed = folder.start(['resume', '--progress', 'none']);
  await until(async () => (await statusOf(folder))?.paused?.until != null);
  expect(await countLines(folder.at(output))).toBe(0);
  await folder.run(['resume']);
  expect((await resumed.outcome).exitCode).toBe(0);
  expect(await folder.results(output)).toHaveLength(40);
});

test('a run outside of its hours ends at Ctrl-C, and is resumed without them', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(40));
  const running = folder.start(['run', 'in.jsonl', ...flags, '--hours', otherHours()]);
  await until(async () => (await statusOf(folder))?.paused?.until != null);
  running.child.kill('SIGINT');
  expect((await running.outcome).exitCode).toBe(130);
  expect((await folder.run(['resume', '--hours', 'always', '--progress', 'none'])).exitCode).toBe(0);
  expect(await folder.results(output)).toHaveLength(40);
  const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', ...flags, '--hours', '7-7']);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('such as 22-07')]);
});

test('a run in the background sends nothing while others use the server, and goes on when they are gone', async () => {
  const server = await startFakeOpenai();
  onTestFinished(server.close);
  server.others = 1;
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(40));
  const running = folder.start(
    [
      'run',
      'in.jsonl',
      '-b',
      'openai',
      '-m',
      'tiny-scorer',
      '--base-url',
      server.url,
      '--background',
      '--progress',
      'none',
    ],
    { environment: { OPENAI_API_KEY: 'none' } },
  );
  await until(async () => (await statusOf(folder))?.giving_way === 1);
  expect((await folder.run(['status'])).stdout).toContain('others use the server: no new requests are sent there');
  const sent = server.requests.length;
  server.others = 0;
  const { exitCode, stderr } = await running.outcome;
  expect([exitCode, sent, server.requests.length]).toEqual([0, 0, 40]);
  expect(stderr).toContain(`others use ${server.url} (1 request of theirs): no new requests are sent`);
  expect(stderr).toContain('is free again: the run continues');
  expect(await statusOf(folder)).toMatchObject({ state: 'finished', background: true, done: 40 });
});

test('of several live runs one is to be named', async () => {
  const { folder, running } = await startLive();
  await folder.write('other.jsonl', prompts(count));
  const other = folder.start(['run', 'other.jsonl', ...flags]);
  await until(async () => (await countLines(folder.at('other.results.jsonl'))) > 0);
  const { exitCode, stderr } = await folder.run(['pause']);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('2 runs of yours go on')]);
  expect((await folder.run(['status'])).stderr).toContain('2 runs of yours go on');
  expect((await folder.run(['pause', output])).exitCode).toBe(0);
  expect((await folder.run(['resume', output])).exitCode).toBe(0);
  for (const { child } of [running, other]) child.kill('SIGTERM');
  await Promise.all([running.outcome, other.outcome]);
});
