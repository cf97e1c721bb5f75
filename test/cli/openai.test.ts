import { readFile, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { candidates } from '../backends/candidates.ts';
import { type FakeOpenai, type FakeOpenaiOptions, startFakeOpenai } from '../helpers/fake-openai-server.ts';
import type { FaultName } from '../helpers/fake-openai/faults.ts';
import { type CliFolder, countLines, createCliFolder, until } from '../helpers/run-cli.ts';
import { judgeCandidates } from '../helpers/judge-candidates.ts';

const output = 'in.results.jsonl';

interface Setting extends CliFolder {
  server: FakeOpenai;
  /** `llmbatch run in.jsonl` on the server. */
  flags: string[];
  /** Results by their state: right, or the codes of failures. Fails where an answer is wrong. */
  judged: () => Promise<Record<string, number>>;
}

/** A folder with so many candidates, and a server that knows the answers. */
async function setUp(count: number, options: FakeOpenaiOptions = {}): Promise<Setting> {
  const server = await startFakeOpenai(options);
  onTestFinished(() => server.close());
  const folder = await createCliFolder();
  const lines = candidates.slice(0, count).map(({ request: { id, body } }) => JSON.stringify({ custom_id: id, body }));
  await folder.write('in.jsonl', `${lines.join('\n')}\n`);
  const flags = ['in.jsonl', '-b', 'openai', '--base-url', server.url, '--progress', 'none'];
  return { ...folder, server, flags, judged: () => judgeCandidates(folder, count) };
}

/** Which candidate a request is about. */
const indexOf = (text: string): number =>
  candidates.findIndex(({ request }) => text.includes(JSON.stringify(request.body.messages?.at(-1)?.content)));

test('a server that OPENAI_BASE_URL names is found, and answers all', async () => {
  const { run, server, judged } = await setUp(300, { models: ['judge'] });
  const { exitCode, stderr } = await run(
    ['run', 'in.jsonl', '-m', 'judge', '--workers', '64', '--progress', 'none', '-v'],
    {
      environment: { OPENAI_BASE_URL: server.url },
    },
  );
  expect([exitCode, await judged()]).toEqual([0, { right: 300 }]);
  expect(stderr).toContain('backend: openai (it serves judge)');
  expect(stderr).toContain('openai: vllm 0.32.0 at');
  expect(server.requests).toHaveLength(300);
});

test('a quarter of the first answers faulty: right answers, or honest failures', async () => {
  const passing: FaultName[] = [
    'reset',
    'closed',
    'overloaded',
    'server-error',
    'gateway',
    'no-finish',
    'nothing',
    'engine-dead',
    'garbled',
  ];
  const lasting: Partial<Record<FaultName, string>> = {
    'context-vllm': 'context-too-long',
    'content-filter': 'refused',
    'content-filter-end': 'refused',
    refusal: 'refused',
    'bad-key': 'bad-request',
  };
  const kinds = [...passing, ...(Object.keys(lasting) as FaultName[])];
  const { run, server, flags, judged } = await setUp(400);
  const failed: Record<string, number> = {};
  server.faults = ({ text, attempt }) => {
    const index = indexOf(text);
    if (attempt > 0 || index % 4 !== 0) return null;
    const fault = kinds[(index / 4) % kinds.length]!;
    const code = lasting[fault];
    if (code !== undefined) failed[code] = (failed[code] ?? 0) + 1;
    return fault;
  };
  // A stream each: the requests would differ otherwise when they are sent again.
  const { exitCode } = await run(['run', ...flags, '--workers', '32', '--option', 'stream=true']);
  const failures = Object.values(failed).reduce((sum, count) => sum + count, 0);
  expect([exitCode, await judged()]).toEqual([3, { right: 400 - failures, ...failed }]);
});

test('a limit that is used up is waited for', async () => {
  const { run, server, flags, judged } = await setUp(40);
  server.faults = ({ text, attempt }) => (attempt === 0 && indexOf(text) % 10 === 0 ? 'rate-limited' : null);
  const { exitCode } = await run(['run', ...flags, '--workers', '4', '--option', 'stream=true']);
  expect([exitCode, await judged()]).toEqual([0, { right: 40 }]);
});

test('a server that is not there yet is waited for, and so is one that goes away in the middle', async () => {
  const { at, start, server, flags, judged } = await setUp(300, { slots: 4, tokenMs: 1 });
  await server.stop();
  const running = start(['run', ...flags, '--workers', '8', '--retries', '0']);
  await until(() => running.stderr().includes('no OpenAI-compatible server answers at'));
  await server.start();
  await until(async () => (await countLines(at(output))) > 30);
  await server.stop();
  await until(() => running.stderr().includes('the engine does not answer'));
  await server.start();
  expect([(await running.outcome).exitCode, await judged()]).toEqual([0, { right: 300 }]);
});

test('an empty account ends the run, to be resumed', async () => {
  const { run, server, flags, judged } = await setUp(60);
  server.faults = ({ text }) => (indexOf(text) === 30 ? 'quota' : null);
  const stopped = await run(['run', ...flags, '--workers', '2']);
  expect(stopped.exitCode).toBe(4);
  expect(stopped.stderr).toContain('exceeded your current quota');
  server.faults = null;
  expect([(await run(['resume', '--progress', 'none'])).exitCode, await judged()]).toEqual([0, { right: 60 }]);
});

test.each([true, false])(
  'a line for a path that the server lacks fails alone (lists models: %s)',
  async (listsModels) => {
    const { at, run, server, flags, results } = await setUp(60, { kind: 'hosted', listsModels });
    const line = { custom_id: 'e', url: '/v1/embeddings', body: { model: 'tiny-scorer', input: 'a' } };
    const text = await readFile(at('in.jsonl'), 'utf8');
    await writeFile(at('in.jsonl'), `${JSON.stringify(line)}\n${text}`);
    server.faults = ({ path, text: sent }) =>
      path.endsWith('/embeddings') ? 'path-gone' : sent === '{}' ? 'bad-key' : null;
    const { exitCode } = await run(['run', ...flags, '-m', 'tiny-scorer']);
    const codes = (await results(output)).map(({ error }) => error?.code);
    expect([exitCode, codes]).toEqual([3, ['bad-request', ...Array<undefined>(60)]]);
  },
);

test('nothing but a wrong address ends the run before anything is recorded', async () => {
  const { run, server, flags } = await setUp(5, { kind: 'hosted', listsModels: false });
  server.faults = () => 'path-gone';
  const { exitCode, stderr } = await run(['run', ...flags, '-m', 'tiny-scorer']);
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('check the base URL')]);
});

test('a model that the server lacks is a mistake', async () => {
  const { run, server, flags } = await setUp(5);
  const { exitCode, stderr } = await run(['run', ...flags, '-m', 'tiny-score']);
  expect(exitCode).toBe(4);
  expect(stderr).toContain('Did you mean tiny-scorer?');
  expect(server.requests).toEqual([]);
});

test('the key is in no file and no message', async () => {
  const key = 'sk-secret-5e7';
  const { run, server, flags, judged, everything } = await setUp(30, { key });
  const environment = { OPENAI_API_KEY: key };
  const right = await run(['run', ...flags, '--workers', '4'], { environment });
  expect([right.exitCode, await judged()]).toEqual([0, { right: 30 }]);
  const wrong = await run(['run', ...flags, '--overwrite'], { environment: { OPENAI_API_KEY: `${key}-wrong` } });
  expect(wrong.exitCode).toBe(4);
  expect(wrong.stderr).toContain('OPENAI_API_KEY');
  expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${key}`);
  const texts = [right, wrong].flatMap(({ stdout, stderr }) => [stdout, stderr]);
  for (const text of [...texts, ...(await everything()).map(([, content]) => content)]) expect(text).not.toContain(key);
});

test('a password in the address is refused, and kept nowhere', async () => {
  const { run, everything } = await setUp(3);
  const { exitCode, stderr } = await run([
    'run',
    'in.jsonl',
    '-b',
    'openai',
    '--base-url',
    'http://me:hunter2@127.0.0.1:9/v1',
  ]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('OPENAI_API_KEY');
  for (const text of [stderr, ...(await everything()).map(([, content]) => content)])
    expect(text).not.toContain('hunter2');
});

test('a server that counts no tokens: n/a, not 0', async () => {
  const { run, server, flags } = await setUp(10);
  server.faults = () => 'no-usage';
  const { exitCode, stderr, stdout } = await run(['run', ...flags, '--json']);
  expect(exitCode).toBe(0);
  expect(stderr).not.toMatch(/\b0 prompt/);
  expect(JSON.parse(stdout)).toMatchObject({ tokens: { prompt: null, completion: null } });
});
