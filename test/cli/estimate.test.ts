import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { delta, events, startScriptedOpenai } from '../backends/openai/scripted-openai.ts';
import { createCliFolder, mock, prompts } from '../helpers/run-cli.ts';

describe('llmbatch run --estimate', () => {
  test('times a sample of each input, projects, and writes nothing', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(1000));
    const before = (await folder.everything()).map(([path]) => path);
    const { stdout, exitCode } = await folder.run(['run', 'in.jsonl', ...mock('latency_ms=10'), '--estimate', '400']);
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringMatching(/^in\.jsonl: 1,000 requests\n {2}sample {2}400 answered/),
    ]);
    expect(stdout).toMatch(/time {4}about [\d.]+ s/);
    expect((await folder.everything()).map(([path]) => path)).toEqual(before);
  });

  test('takes 200 requests of standard input, or all it has, and --json has the numbers', async () => {
    const folder = await createCliFolder();
    const args = ['run', '-', ...mock('latency_ms=1'), '--estimate', '--json'];
    const [many, few] = await Promise.all([300, 50].map((count) => folder.run(args, { stdin: prompts(count) })));
    expect(JSON.parse(many!.stdout)).toMatchObject({
      input: '-',
      requests: 300,
      sampled: 200,
      succeeded: 200,
      failed: 0,
    });
    expect(JSON.parse(few!.stdout)).toMatchObject({ requests: 50, sampled: 50, succeeded: 50 });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('a sample in which all failed promises nothing', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(20));
    const engine = mock('fault_rate=1', 'fault_kinds=refused');
    const { stdout, exitCode } = await folder.run([
      'run',
      'in.jsonl',
      ...engine,
      '--estimate',
      '--max-error-rate',
      '1',
    ]);
    expect([exitCode, stdout]).toEqual([3, expect.stringContaining('n/a: nothing was answered')]);
  });

  test('waits for no answer when its time is over, though none has come', async () => {
    const server = await startScriptedOpenai((response) => {
      response.setHeader('content-type', 'text/event-stream');
      const writing = setInterval(() => response.write(events(delta(' and')).replace('data: [DONE]\n\n', '')), 20);
      response.on('close', () => clearInterval(writing));
    });
    const { exitCode, stdout } = await sampleOf(server, '4s');
    expect([exitCode, stdout]).toEqual([
      3,
      expect.stringMatching(/0 answered in \d\.\d s; 2 in flight, with \d+ tokens so far/),
    ]);
    // Two at once: each of the two halves takes as long as the sample at least.
    expect(stdout).toMatch(
      /time {4}\d+\.\d s or more: no answer ended within \d\.\d s, with 2 at once \([\d.]+ tok\/s in all\)/,
    );
    expect(stdout).toContain('--max-tokens makes the answers shorter, --estimate 10m waits longer.');
    expect(server.requests).toHaveLength(2);
  });

  test('waits no longer for an engine that says nothing', async () => {
    const server = await startScriptedOpenai((response) => response.flushHeaders());
    const { exitCode, stdout } = await sampleOf(server, '1s', '--json');
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([
      3,
      { succeeded: 0, hours: null, is_time_over: true, unfinished: { requests: 2, tokens: null } },
    ]);
    const { stdout: text } = await sampleOf(server, '1s');
    expect(text).toContain('2 in flight, of which no token came');
    expect(text).toContain('run llmbatch doctor');
  });
});

async function sampleOf({ url }: { url: string }, size: string, ...more: string[]) {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(4));
  const engine = ['-b', 'openai', '--base-url', url, '-m', 'tiny-scorer', '--option', 'stream=true'];
  return folder.run(['run', 'in.jsonl', ...engine, '--workers', '2', '--estimate', size, ...more]);
}
