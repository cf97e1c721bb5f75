import { chmod, readdir, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CliFolder, createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';

/** A server that answers nothing, and notes who asked. */
async function listen(): Promise<{ url: string; asked: IncomingHttpHeaders[] }> {
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked };
}

/** A run that somebody else left in the folder, unfinished. */
async function othersRun(words: string[]): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(2));
  await folder.run(['run', 'in.jsonl', '-o', 'out.jsonl', ...mock()]);
  const text = await folder.text('out.jsonl.run.json');
  const manifest = JSON.parse(text) as { settings: object };
  const [settings, servers] = [JSON.parse(words[0]!) as object, JSON.parse(words[1]!) as object];
  const changed = {
    ...manifest,
    state: 'stopped',
    settings: { ...manifest.settings, ...settings },
    connection: Array.isArray(servers) ? servers : [servers],
    models: [],
  };
  await folder.write('out.jsonl.run.json', JSON.stringify(changed));
  await folder.write('out.jsonl', (await folder.text('out.jsonl')).split('\n').slice(0, 1).join('\n').concat('\n'));
  return folder;
}

test('a run of llmbatch 0.1, which sealed nothing, is the own one of this user in the state folder', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(40));
  const first = folder.start(['run', 'in.jsonl', '-o', '-', ...mock('latency_ms=50', 'slots=2')]);
  await until(() => first.stdout().includes('\n'));
  first.child.kill('SIGKILL');
  await first.outcome;
  const files = await folder.everything();
  const [path, text] = files.find(([name]) => name.endsWith('.run.json'))!;
  await writeFile(path, JSON.stringify({ ...(JSON.parse(text) as object), seal: null }));
  const { exitCode, stdout } = await folder.run(['resume', '--progress', 'none']);
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('"custom_id":"r40"')]);
});

describe('a manifest that this user did not write', () => {
  test('starts no program by a bare resume, which names it and the command that would', async () => {
    const folder = await createCliFolder();
    await folder.write('py.sh', `#!/bin/sh\ntouch ${folder.at('it-ran')}\nexit 1\n`);
    await chmod(folder.at('py.sh'), 0o755);
    const settings = JSON.stringify({ backend: 'vllm', model: 'x/y' });
    const others = await othersRun([settings, JSON.stringify({ python: folder.at('py.sh') })]);
    const { exitCode, stderr } = await others.run(['resume']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(others.at('out.jsonl.run.json'))]);
    expect(stderr).toContain(`-b vllm -m x/y --python ${folder.at('py.sh')}`);
    expect(stderr).toContain(`llmbatch resume ${others.at('out.jsonl')}`);
    await expect(folder.text('it-ran')).rejects.toThrow('ENOENT');
  });

  test('gets no key for a server that only it names, not even with its output named', async () => {
    const server = await listen();
    const settings = JSON.stringify({ backend: 'openai', model: 'm' });
    const folder = await othersRun([settings, JSON.stringify({ base_url: server.url })]);
    const environment = { OPENAI_API_KEY: 'sk-my-own-key', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' };
    const bare = await folder.run(['resume'], { environment });
    expect([bare.exitCode, server.asked.length]).toEqual([2, 0]);
    const named = await folder.run(['resume', 'out.jsonl', '--retries', '0'], { environment });
    expect(named.stderr).toContain('OPENAI_API_KEY is not sent');
    expect(server.asked.length).toBeGreaterThan(0);
    expect(server.asked.every(({ authorization }) => authorization === undefined)).toBe(true);
    server.asked.length = 0;
    await folder.run(['resume', 'out.jsonl', '--base-url', server.url, '--retry-failed', 'all'], { environment });
    expect(server.asked.some(({ authorization }) => authorization === 'Bearer sk-my-own-key')).toBe(true);
  });

  test('sends no variable of the environment to a server, and says which it would have sent where', async () => {
    const server = await listen();
    const other = await listen();
    const servers = [
      { base_url: server.url, api_key_env: 'AWS_SECRET_ACCESS_KEY' },
      { base_url: other.url, api_key_env: 'NOT_SET' },
    ];
    const folder = await othersRun([JSON.stringify({ backend: 'openai', model: 'm' }), JSON.stringify(servers)]);
    const environment = { AWS_SECRET_ACCESS_KEY: 'hush-hush', OPENAI_API_KEY: 'hush-too' };
    for (const args of [['resume'], ['resume', 'out.jsonl'], ['resume', 'out.jsonl', '--workers', '2']]) {
      const { exitCode, stderr } = await folder.run(args, { environment });
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('nothing was ')]);
      expect(stderr).toContain(`--base-url ${server.url} --base-url ${other.url}`);
      expect(stderr).toContain(`AWS_SECRET_ACCESS_KEY as the key of ${server.url}, NOT_SET as the key of ${other.url}`);
      expect(stderr).not.toContain('hush');
    }
    expect([server.asked, other.asked]).toEqual([[], []]);
    // Whoever names the servers himself says which key each of them gets.
    const own = { base_url: other.url, api_key_env: 'AWS_SECRET_ACCESS_KEY' };
    await folder.write('servers.jsonl', JSON.stringify(own));
    const flags = ['--servers', 'servers.jsonl', '--retries', '0', '--progress', 'none'];
    await folder.run(['resume', 'out.jsonl', ...flags], { environment });
    expect(server.asked).toEqual([]);
    expect(new Set(other.asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer hush-hush']));
  });

  test('is passed over for a run of his own', async () => {
    const folder = await othersRun(['{"backend":"vllm"}', '{"python":"./none"}']);
    const faults = mock('fault_rate=1', 'fault_attempts=1', 'fault_kinds=server-error');
    await folder.run(['run', 'in.jsonl', '--retries', '0', '--max-error-rate', '1', ...faults]);
    const { exitCode, stderr } = await folder.run(['resume', '--retries', '2', '--progress', 'none']);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining(folder.at('in.results.jsonl'))]);
  });
});

test('a secret that an earlier version kept as an option is told, not used and not written again', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(4));
  await folder.run(['run', 'in.jsonl', '-o', 'out.jsonl', ...mock()]);
  const { settings, ...rest } = JSON.parse(await folder.text('out.jsonl.run.json')) as {
    settings: { options: object };
  };
  const options = { ...settings.options, hf_token: 'hush-hush' };
  await folder.write('out.jsonl.run.json', JSON.stringify({ ...rest, settings: { ...settings, options } }));
  const resumed = await folder.run(['resume', 'out.jsonl']);
  expect(resumed).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('the option hf_token') as string });
  // The run command of then is refused, and what it says without the secret is the same run.
  expect((await folder.run(['run', 'in.jsonl', '-o', 'out.jsonl', ...mock()])).exitCode).toBe(0);
  for (const [path, text] of await folder.everything()) expect([path, text.includes('hush')]).toEqual([path, false]);
});

test('a bench that somebody else left sends no variable of the environment, and is not gone on with by itself', async () => {
  const server = await listen();
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(20));
  const size = ['--sizes', '20', '--repeat', '1'];
  await folder.run(['bench', 'in.jsonl', ...mock(), '--workers', '1,2', ...size, '--name', 'own']);
  const [name = ''] = await readdir(folder.at('bench-results'));
  const bench = join('bench-results', name);
  const trials = (await folder.text(join(bench, 'trials.jsonl'))).split('\n');
  await folder.write(join(bench, 'trials.jsonl'), `${trials[0]}\n`);
  const environment = JSON.parse(await folder.text(join(bench, 'environment.json'))) as object;
  const connection = [{ base_url: server.url, api_key_env: 'AWS_SECRET_ACCESS_KEY' }, { base_url: server.url }];
  await folder.write(join(bench, 'environment.json'), JSON.stringify({ ...environment, connection }));
  const secrets = { environment: { AWS_SECRET_ACCESS_KEY: 'hush', OPENAI_API_KEY: 'hush' } };
  const bare = await folder.run(['bench', '--resume'], secrets);
  expect([bare.exitCode, bare.stderr]).toEqual([2, expect.stringContaining(`llmbatch bench --resume ${bench}`)]);
  const named = await folder.run(['bench', '--resume', bench], secrets);
  expect([named.exitCode, named.stderr]).toEqual([2, expect.stringContaining('nothing was sent')]);
  expect(named.stderr).toContain(`AWS_SECRET_ACCESS_KEY as the key of ${server.url}`);
  expect(server.asked).toEqual([]);
});
