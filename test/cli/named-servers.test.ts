import { expect, onTestFinished, test } from 'vitest';
import { type FakeOllama, type FakeOllamaOptions, startFakeOllama } from '../helpers/fake-ollama-server.ts';
import { type FakeOpenai, type FakeOpenaiOptions, startFakeOpenai } from '../helpers/fake-openai-server.ts';
import { type CliFolder, countLines, createCliFolder, until } from '../helpers/run-cli.ts';
import { candidates } from '../backends/candidates.ts';
import { judgeCandidates } from '../helpers/judge-candidates.ts';

const output = 'in.results.jsonl';

/** A folder with so many candidates. */
async function folderOf(count: number): Promise<CliFolder> {
  const folder = await createCliFolder();
  const lines = candidates.slice(0, count).map(({ request: { id, body } }) => JSON.stringify({ custom_id: id, body }));
  await folder.write('in.jsonl', `${lines.join('\n')}\n`);
  return folder;
}

async function openai(options: FakeOpenaiOptions = {}): Promise<FakeOpenai> {
  const server = await startFakeOpenai({ tokenMs: 2, ...options });
  onTestFinished(() => server.close());
  return server;
}

async function ollama(options: FakeOllamaOptions = {}): Promise<FakeOllama> {
  const server = await startFakeOllama({ tokenMs: 1, ...options });
  onTestFinished(() => server.close());
  return server;
}

/** A run that was killed when it had some results. */
async function killedRun(folder: CliFolder, args: string[], environment: Record<string, string> = {}): Promise<void> {
  const { child, outcome } = folder.start(['run', 'in.jsonl', ...args, ...quiet], { environment });
  await until(async () => (await countLines(folder.at(output))) > 5);
  child.kill('SIGKILL');
  await outcome;
}

const slow = { tokenMs: 15 };
const quiet = ['--progress', 'none', '--workers', '4'];
const keysAt = ({ requests }: FakeOpenai): unknown[] => [
  ...new Set(requests.map(({ headers }) => headers.authorization ?? null)),
];

test('each server of --servers gets the key of its own variable, and no file, message or log holds a key', async () => {
  const folder = await folderOf(200);
  const [desktop, box] = [await openai({ key: 'sk-desktop-secret' }), await openai({ key: 'sk-box-secret' })];
  const lines = [
    { base_url: desktop.url, api_key_env: 'DESKTOP_KEY' },
    { base_url: box.url, api_key_env: 'BOX_KEY' },
  ];
  await folder.write('servers.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const environment = {
    DESKTOP_KEY: 'sk-desktop-secret',
    BOX_KEY: 'sk-box-secret',
    OPENAI_API_KEY: 'sk-third-secret',
    OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
  };
  const args = ['run', 'in.jsonl', '-b', 'openai', '--servers', 'servers.jsonl', ...quiet, '-v'];
  const { exitCode, stdout, stderr } = await folder.run(args, { environment });
  expect([exitCode, await judgeCandidates(folder, 200)], stderr).toEqual([0, { right: 200 }]);
  expect([keysAt(desktop), keysAt(box)]).toEqual([['Bearer sk-desktop-secret'], ['Bearer sk-box-secret']]);
  expect(JSON.parse(await folder.text(`${output}.run.json`))).toMatchObject({ connection: lines });
  for (const [path, text] of [...(await folder.everything()), ['output', stdout + stderr]] as const)
    expect([path, text.includes('secret')]).toEqual([path, false]);
});

test('a resume needs no flag: the manifest has the servers and the names of the variables, which must be set', async () => {
  const folder = await folderOf(60);
  const servers = [await openai({ key: 'sk-1', ...slow }), await openai({ key: 'sk-2', ...slow })];
  const lines = servers.map(({ url }, index) => JSON.stringify({ base_url: url, api_key_env: `KEY_${index + 1}` }));
  await folder.write('servers.jsonl', lines.join('\n'));
  const environment = { KEY_1: 'sk-1', KEY_2: 'sk-2' };
  await killedRun(folder, ['-b', 'openai', '--servers', 'servers.jsonl'], environment);
  await folder.write('servers.jsonl', '');
  const unset = await folder.run(['resume', output, ...quiet], { environment: { KEY_1: 'sk-1' } });
  expect([unset.exitCode, unset.stderr]).toEqual([2, expect.stringContaining('the variable KEY_2')]);
  const { exitCode, stderr } = await folder.run(['resume', output, ...quiet], { environment });
  expect([exitCode, await judgeCandidates(folder, 60)], stderr).toEqual([0, { right: 60 }]);
  expect(stderr).not.toContain('than before');
});

test('a resume with other servers that have the model goes on, and says so once; the same run command too', async () => {
  const folder = await folderOf(60);
  const [first, second, third] = [await openai(slow), await openai(slow), await openai()];
  const named = (...given: FakeOpenai[]): string[] => given.flatMap(({ url }) => ['--base-url', url]);
  await killedRun(folder, ['-b', 'openai', ...named(first, second)]);
  const before = `(before: ${[first, second].map(({ url }) => url.slice('http://'.length, -'/v1'.length)).join(', ')})`;
  const resumed = await folder.run(['resume', output, ...quiet, ...named(second, third)]);
  expect([resumed.exitCode, await judgeCandidates(folder, 60)], resumed.stderr).toEqual([0, { right: 60 }]);
  expect(resumed.stderr.match(/other servers than before: /g)).toHaveLength(1);
  expect(resumed.stderr).toContain(before);
  const manifest = await folder.manifest(`${output}.run.json`);
  expect(manifest.runner.connections).toEqual([{ baseUrl: second.url }, { baseUrl: third.url }]);
  // Nothing is left to be sent, and so nothing is said of where.
  const again = await folder.run(['run', 'in.jsonl', '-b', 'openai', ...quiet, ...named(third)]);
  expect([again.exitCode, again.stderr]).toEqual([0, expect.not.stringContaining('than before')]);
});

test('a resume on Ollama servers that have other weights is refused, and leaves the results as they are', async () => {
  const folder = await folderOf(30);
  const before = await ollama(slow);
  const others = [await ollama({ digest: 'b' }), await ollama({ digest: 'b' })];
  await killedRun(folder, ['-b', 'ollama', '--host', before.host]);
  const kept = await folder.text(output);
  const several = others.flatMap(({ host }) => ['--host', host]);
  for (const hosts of [several.slice(0, 2), several]) {
    const { exitCode, stderr } = await folder.run(['resume', output, ...quiet, ...hosts]);
    expect([exitCode, stderr]).toEqual([hosts.length > 2 ? 4 : 5, expect.stringMatching(/weights of tiny-scorer/)]);
    expect(await folder.text(output)).toBe(kept);
  }
});

test.each([
  ['of two kinds', ['--host', 'a', '--host', 'b', '--base-url', 'http://c'], 'name servers of two kinds'],
  ['twice', ['-b', 'openai', '--base-url', 'http://a', '--base-url', 'http://a/v1'], 'is named twice'],
  ['of another engine', ['-b', 'vllm', '--base-url', 'http://a'], '--base-url is a flag of openai, but -b names vllm'],
  ['in no file', ['--servers', 'none.jsonl'], '--servers: none.jsonl: there is no such file'],
])('servers %s are refused in a sentence before anything is sent', async (_, flags, problem) => {
  const folder = await folderOf(2);
  const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', ...flags, ...quiet]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(problem)]);
  await expect(folder.text(output)).rejects.toThrow('ENOENT');
});

test('with several servers and no -b, the engine is the one of which a server has the model', async () => {
  const folder = await folderOf(60);
  const [other, right] = [await ollama({ models: ['other'] }), await ollama()];
  const hosts = ['--host', other.host, '--host', right.host];
  // The engine that has the bundled model of this name is not among the servers that are named.
  const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', ...quiet, ...hosts, '-v']);
  expect([exitCode, await judgeCandidates(folder, 60)], stderr).toEqual([0, { right: 60 }]);
  expect(stderr).toContain('backend: ollama (it serves tiny-scorer)');
  expect(stderr).toContain(`${other.host}: can't be used`);
});

test('--dry-run and --estimate name the servers, and measure them all together', async () => {
  const folder = await folderOf(200);
  const [first, second] = [await openai(), await openai()];
  const args = ['run', 'in.jsonl', '-b', 'openai', '--base-url', first.url, '--base-url', second.url, ...quiet];
  const names = [first, second].map(({ url }) => url.slice('http://'.length, -'/v1'.length));
  const dry = await folder.run([...args, '--dry-run']);
  expect([dry.exitCode, dry.stdout]).toEqual([0, expect.stringContaining(`servers  ${names.join(', ')}\n`)]);
  expect(dry.stdout).toContain('workers  4, for each server (as asked)\n');
  expect([first.requests, second.requests]).toEqual([[], []]);
  const estimate = await folder.run([...args, '--estimate', '--json']);
  expect([estimate.exitCode, JSON.parse(estimate.stdout)]).toMatchObject([0, { servers: names, succeeded: 200 }]);
  expect(Math.min(first.requests.length, second.requests.length)).toBeGreaterThan(20);
  // A measurement of both that is one of the first alone would promise too little.
  await second.stop();
  const without = await folder.run([...args, '--estimate']);
  expect([without.exitCode, without.stdout, without.stderr]).toEqual([4, '', expect.stringContaining(names[1]!)]);
});

test('bench runs its trials on all servers, names them, and saves nothing that is for one', async () => {
  const folder = await folderOf(120);
  const [first, second] = [await openai({ slots: 2 }), await openai({ slots: 2 })];
  const servers = ['--base-url', first.url, '--base-url', second.url];
  const names = [first, second].map(({ url }) => url.slice('http://'.length, -'/v1'.length));
  const flags = ['--workers', '1,2', '--repeat', '1', '--sizes', '120', '-o', 'bench', '--progress', 'none'];
  const { exitCode, stdout, stderr } = await folder.run(['bench', 'in.jsonl', '-b', 'openai', ...servers, ...flags]);
  expect(exitCode, stderr).toBe(0);
  expect(stderr).toContain(`2 servers share the requests of each trial (${names.join(', ')})`);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`2 servers shared the requests of each trial: ${names.join(', ')}.`);
  expect(stdout).toContain('Nothing saved for `run --workers auto`: it is saved only for a single server');
  expect(Math.min(first.requests.length, second.requests.length)).toBeGreaterThan(60);
  expect([first.maxInFlight, second.maxInFlight]).toEqual([2, 2]);
  const [, ...trials] = (await folder.text('bench/trials.jsonl')).trim().split('\n');
  expect(trials.map((line) => JSON.parse(line) as object)).toMatchObject([
    { servers: names, server: null, slots: null },
    { servers: names, server: null, slots: null },
    { type: 'agreement' },
  ]);
  expect(await folder.text('bench/report.md')).toContain(`| servers | ${names.join(', ')} |`);
  expect((await folder.everything()).filter(([path]) => path.includes('best-settings'))).toEqual([]);
});
