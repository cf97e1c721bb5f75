import { describe, expect, test } from 'vitest';
import { useEchoProgram } from '../helpers/echo-program.ts';
import { type CliFolder, countLines, createCliFolder, prompts, until } from '../helpers/run-cli.ts';

const echo = useEchoProgram();

/** Nothing is found that the machine happens to have. */
const nowhere = { OLLAMA_HOST: '127.0.0.1:9', LLMBATCH_PYTHON: '/no/such/python' };

async function createFolder(): Promise<CliFolder & { llmbatch: CliFolder['run'] }> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(20));
  const llmbatch: CliFolder['run'] = (args, options) =>
    folder.run(args, { ...options, program: echo.path(), environment: { ...nowhere, ...options?.environment } });
  return { ...folder, llmbatch };
}

describe('an engine that a program adds', () => {
  test('is in the help with its flag, and in the list of engines with its options', async () => {
    const { llmbatch } = await createFolder();
    const { stdout: help } = await llmbatch(['run', '--help-all']);
    expect(help.replaceAll(/\s+/g, ' ')).toContain('vllm, echo, mock; auto uses the first');
    expect(help.replaceAll(/\s+/g, ' ')).toContain(
      '--echo-host <address> the echo server, such as valley:7 (default: ECHO_HOST)',
    );
    const { stdout: list } = await llmbatch(['backends']);
    expect(list).toContain('echo: answers with the question');
    expect(list).toContain('--option delay_ms  time of an answer (default: 0)');
  });

  test('runs, and a resume finds its place and its options again', async () => {
    const folder = await createFolder();
    const engine = ['-b', 'echo', '-m', 'echo', '--echo-host', 'valley:7', '--option', 'delay_ms=50'];
    const running = folder.start(['run', 'in.jsonl', '-o', 'out.jsonl', '--workers', '1', ...engine], {
      program: echo.path(),
    });
    await until(async () => (await countLines(folder.at('out.jsonl'))) >= 3);
    running.child.kill('SIGKILL');
    await running.outcome;
    const connectionOf = async () => (await folder.manifest('out.jsonl.run.json')).runner.connections;
    expect(await connectionOf()).toEqual([{ echoHost: 'valley:7' }]);
    const resumed = await folder.llmbatch(['resume', '--progress', 'none']);
    expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.stringContaining('Finished: 20 requests done')]);
    expect(await connectionOf()).toEqual([{ echoHost: 'valley:7' }]);
    const results = await folder.results('out.jsonl');
    expect(results.map(({ custom_id }) => custom_id)).toEqual(Array.from({ length: 20 }, (_, at) => `r${at + 1}`));
    expect(results[6]?.response?.body.choices?.[0]?.message?.content).toBe('question 7');
  });

  test('is found by its model, and says how a model gets to it', async () => {
    const { llmbatch } = await createFolder();
    const found = await llmbatch(['run', 'in.jsonl', '-o', 'out.jsonl', '-m', 'echo', '--progress', 'none', '-v']);
    expect([found.exitCode, found.stderr]).toEqual([0, expect.stringContaining('backend: echo (it serves echo)')]);
    const { exitCode, stderr } = await llmbatch(['run', 'in.jsonl', '-o', 'other.jsonl', '-m', 'nobody-has-this']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('echo has one model, echo (-m echo)')]);
  });

  test('keeps its flag to itself, and secrets out of it', async () => {
    const { llmbatch } = await createFolder();
    const foreign = await llmbatch(['run', 'in.jsonl', '-b', 'mock', '-m', 'mock', '--echo-host', 'valley:7']);
    expect(foreign).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--echo-host is a flag of echo, but -b names mock') as string,
    });
    const secret = await llmbatch(['run', 'in.jsonl', '-b', 'echo', '-m', 'echo', '--echo-host', 'me:hush@valley']);
    expect([secret.exitCode, secret.stderr]).toEqual([2, expect.stringContaining('contains a user name')]);
    expect(secret.stderr).not.toContain('hush');
  });

  test("sends no key where only another user's manifest says where to", async () => {
    const folder = await createFolder();
    await folder.llmbatch(['run', 'in.jsonl', '-o', 'out.jsonl', '--limit', '5', '-b', 'echo', '-m', 'echo']);
    const manifest = JSON.parse(await folder.text('out.jsonl.run.json')) as object;
    const others = { ...manifest, connection: [{ echo_host: 'elsewhere:7' }] };
    await folder.write('out.jsonl.run.json', JSON.stringify(others));
    const environment = { ECHO_API_KEY: 'sk-my-own-key' };
    const { stderr } = await folder.llmbatch(['resume', 'out.jsonl', '--progress', 'none'], { environment });
    expect(stderr).toContain('it asks for -b echo -m echo --echo-host elsewhere:7');
    expect(stderr).toContain('ECHO_API_KEY is not sent');
  });
});
