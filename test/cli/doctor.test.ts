import { copyFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort, serve } from '../helpers/serve.ts';
import { onlyPrograms } from '../helpers/only-programs.ts';
import { type FakeOllama, type FakeOllamaOptions, startFakeOllama } from '../helpers/fake-ollama-server.ts';
import { startFakeOpenai } from '../helpers/fake-openai-server.ts';
import { type CliFolder, type CliOutcome, createCliFolder } from '../helpers/run-cli.ts';

const bundledModel = new URL('../../fixtures/tiny-scorer.gguf', import.meta.url);

interface Setting {
  folder: CliFolder;
  doctor: (...flags: string[]) => Promise<CliOutcome>;
}

/** A folder, and a PATH with these programs alone. */
async function setUp(programs: Record<string, string> = {}, more: Record<string, string> = {}): Promise<Setting> {
  const folder = await createCliFolder();
  const { PATH = '' } = await onlyPrograms(programs);
  const environment = { PATH, ...more };
  return { folder, doctor: (...flags) => folder.run(['doctor', ...flags], { environment }) };
}

async function start(options: FakeOllamaOptions): Promise<FakeOllama> {
  const server = await startFakeOllama({ tokenMs: 1, ...options });
  onTestFinished(() => server.close());
  return server;
}

/** What doctor found, but what it says of the engine that is installed here. */
const findingsIn = (json: Record<string, unknown>): unknown[] =>
  (json['findings'] as { id: string }[]).filter(({ id }) => !id.startsWith('llama-cpp-'));

const jsonOf = ({ stdout }: CliOutcome): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

describe('llmbatch doctor', () => {
  test('of a server with one slot advises more, on stdout; what it does meanwhile is on stderr', async () => {
    const server = await start({ slots: 1 });
    const { doctor } = await setUp({ 'nvidia-smi': 'echo "RTX 4080, 560.35, 16376, 1024, 15352"' });
    const { exitCode, stdout, stderr } = await doctor('--host', server.host, '--option', 'num_thread=1');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^llmbatch \d+\.\d+\.\d+ · Node \d+\.\d+\.\d+ · /);
    expect(stdout).toContain('\nGPU        RTX 4080, 16.0 GiB, 15.0 GiB free; driver 560.35\n');
    expect(stdout).toContain(`\nollama     0.34.0 at ${server.url}, 1 slot of 4,096 tokens`);
    expect(stdout).toMatch(/\nwarning {2}the server works on one request at a time/);
    // The repository's own installation has no GPU builds.
    const one = stdout.replaceAll(/\s+/g, ' ');
    expect(one).toContain('computes on CPU');
    expect(one).toContain('leaves the GPU alone (RTX 4080): this checkout of llmbatch has no GPU builds fix: ');
    expect(stdout).toContain('\n         fix: OLLAMA_NUM_PARALLEL=4 when you start the server\n');
    expect(stdout).toContain('ollama serve\n');
    expect(stderr).toMatch(/^ollama: loading tiny-scorer .*\nollama: finding out how many .*\n$/);
    const options = server.requests.map(({ body }) => body?.['options']).filter((sent) => sent !== undefined);
    expect(options.length).toBeGreaterThan(16);
    for (const sent of options) expect(sent).toMatchObject({ num_thread: 1, num_ctx: 4096 });
  });

  test('of a server with four slots is one JSON object', async () => {
    const server = await start({ slots: 4 });
    const { doctor } = await setUp({ python3: `echo '{"python":"3.12.1","vllm":"0.10.0"}'` });
    const outcome = await doctor('--host', server.host, '--json');
    expect([outcome.exitCode, outcome.stdout.trim().split('\n')]).toEqual([0, [expect.any(String)]]);
    const json = jsonOf(outcome);
    expect(json).toMatchObject({
      asked: { host: server.host, model: null },
      gpu: { gpus: [], failure: null },
      ollama: {
        url: server.url,
        is_local: true,
        version: '0.34.0',
        failure: null,
        settings: null,
        models: [{ name: 'tiny-scorer', has_one_slot: false, loaded: { context_tokens: 4096, vram_bytes: 0 } }],
        probe: { model: 'tiny-scorer', slots: 4, found_by: 'probe', failure: null },
      },
      python: { command: 'python3', named_by: 'PATH', version: '3.12.1', vllm_version: '0.10.0' },
      how_to_set: expect.any(Array),
    });
    expect(json['usable']).toEqual(expect.arrayContaining(['llama-cpp', 'ollama']));
    expect(findingsIn(json)).toEqual([
      {
        level: 'warning',
        id: 'vllm-version',
        text: 'vLLM 0.10.0 is too old: 0.11.1 is the first that can be used',
        fix: 'python3 -m pip install -U vllm',
        setting: null,
      },
      {
        level: 'hint',
        id: 'ollama-ram-cache',
        text: expect.stringContaining('unless it is set otherwise'),
        fix: 'LLAMA_ARG_CACHE_RAM=0 when you start the server',
        setting: { name: 'LLAMA_ARG_CACHE_RAM', value: '0' },
      },
    ]);
  });

  test('without a probe sends no request to a model, and says that slots are not known', async () => {
    const server = await start({ slots: 4 });
    const { doctor } = await setUp();
    const { stdout, stderr } = await doctor('--host', server.host, '--no-probe');
    expect([stderr, server.loads]).toEqual(['', 0]);
    expect(stdout).toContain('slots n/a (not probed)');
  });

  test('without any server is no fault, unless one was named', async () => {
    const host = `127.0.0.1:${await freePort()}`;
    const { doctor } = await setUp({}, { OLLAMA_HOST: host });
    const found = await doctor();
    expect([found.exitCode, found.stderr]).toEqual([0, '']);
    expect(found.stdout).toContain('node-llama-cpp');
    expect(found.stdout).toMatch(/\nwarning {2}nothing answers at http:\/\/127\.0\.0\.1:\d+/);
    const named = await doctor('--host', host, '--json');
    expect(named.exitCode).toBe(4);
    const json = jsonOf(named);
    expect(json).toMatchObject({ ollama: { version: null, probe: null } });
    expect(findingsIn(json)).toEqual([expect.objectContaining({ level: 'error' })]);
  });

  test('of a server that is no Ollama server says so', async () => {
    const { url } = await serve({});
    const { doctor } = await setUp();
    const { exitCode, stdout } = await doctor('--host', url);
    expect([exitCode, stdout]).toEqual([4, expect.stringContaining(`\nerror    what answers at ${url} is no Ollama`)]);
  });

  test('of several servers shows each; one that is named and cannot be used is exit code 4', async () => {
    const [one, other] = [await start({ slots: 1 }), await start({ slots: 4 })];
    const { doctor } = await setUp();
    const both = ['--host', one.host, '--host', other.host];
    const right = await doctor(...both, '--json');
    expect([right.exitCode, right.stderr], right.stdout).toEqual([0, expect.stringContaining(`${one.host}: ollama: `)]);
    expect(jsonOf(right)).toMatchObject({
      asked: { host: [one.host, other.host], base_url: null },
      ollama: [
        { url: one.url, probe: { slots: 1 } },
        { url: other.url, probe: { slots: 4 } },
      ],
      openai: { is_base_url_set: false },
    });
    const findings = jsonOf(right)['findings'] as { id: string; text: string }[];
    expect(findings.filter(({ id }) => id === 'ollama-one-slot')).toMatchObject([
      { text: expect.stringContaining(`${one.host}: the server works on one request`) as string },
    ]);
    const host = `127.0.0.1:${await freePort()}`;
    const wrong = await doctor(...both, '--host', host, '--no-probe');
    expect([wrong.exitCode, wrong.stdout]).toEqual([
      4,
      expect.stringContaining(`error    nothing answers at http://${host}`),
    ]);
    for (const { url } of [one, other]) expect(wrong.stdout).toContain(`\nollama     0.34.0 at ${url}, slots n/a`);
  });

  test('of an OpenAI-compatible server that a flag names looks at that one alone, with its key', async () => {
    const list = { data: [{ id: 'judge', owned_by: 'vllm', max_model_len: 4096 }] };
    const [named, keyed] = [
      await serve({ '/v1/models': { body: JSON.stringify(list) } }),
      await startFakeOpenai({ key: 'sk-hidden' }),
    ];
    onTestFinished(() => keyed.close());
    const { doctor, folder } = await setUp({}, { BOX_KEY: 'sk-hidden' });
    const one = await doctor('--base-url', named.url, '-m', 'judge', '--json');
    expect(one.exitCode, one.stdout).toBe(0);
    expect(jsonOf(one)).toMatchObject({
      asked: { base_url: named.url, host: null },
      openai: { ports: [], servers: [{ url: `${named.url}/v1`, named_by: '--base-url', kind: 'vllm', failure: null }] },
    });
    await folder.write('servers.jsonl', JSON.stringify({ base_url: keyed.url, api_key_env: 'BOX_KEY' }));
    const both = await doctor('--base-url', named.url, '--servers', 'servers.jsonl', '--no-probe');
    expect(both.exitCode, both.stdout).toBe(0);
    expect(both.stdout).toContain(
      `openai     ${named.url}/v1, vllm: judge (4,096 tokens)\nopenai     ${keyed.url}, vllm: tiny-scorer`,
    );
    const without = await doctor('--base-url', keyed.url);
    expect([without.exitCode, without.stdout.replaceAll(/\s+/g, ' ')]).toEqual([
      4,
      expect.stringContaining(`error the server at ${keyed.url} can't be used: it needs a key`),
    ]);
    const other = await doctor('--base-url', named.url, '--servers', 'servers.jsonl', '-m', 'judge');
    expect([other.exitCode, other.stdout]).toEqual([4, expect.stringContaining(`${keyed.url} has no model "judge"`)]);
    expect([one, both, without, other].some(({ stdout, stderr }) => `${stdout}${stderr}`.includes('hidden'))).toBe(
      false,
    );
  });

  test('of a model that the server has not got exits 4', async () => {
    const server = await start({});
    const { doctor } = await setUp();
    const { exitCode, stdout } = await doctor('--host', server.host, '-m', 'tiny-scorr');
    expect(exitCode).toBe(4);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('has no model "tiny-scorr" fix: Did you mean tiny-scorer?');
  });

  test('of a model looks at every engine that may serve it, and ends with the command for it', async () => {
    const { doctor, folder } = await setUp({}, { OLLAMA_HOST: `127.0.0.1:${await freePort()}` });
    await copyFile(bundledModel, folder.at('smol.gguf'));
    const [right, wrong] = await Promise.all([doctor('-m', 'smol.gguf'), doctor('-m', 'smoll.gguf')]);
    expect([right.exitCode, right.stdout]).toEqual([
      0,
      expect.stringMatching(/\nReady: llama-cpp\. Try: llmbatch run questions\.jsonl -m smol\.gguf\n$/),
    ]);
    expect(right.stdout).not.toMatch(/^error/m);
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean smol.gguf?')]);
  });

  test('refuses options that the probe has not got', async () => {
    const { doctor } = await setUp();
    const outcomes = await Promise.all([doctor('--option', 'slots=4'), doctor('--option', 'num_threads=1')]);
    expect(outcomes.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual([
      [2, ''],
      [2, ''],
    ]);
    expect(outcomes[1]?.stderr).toContain('Did you mean num_thread?');
  });

  test('shows no key', async () => {
    const server = await start({});
    const openai = await serve({ '/v1/models': { status: 401, body: '{"error":"sk-hidden-key"}' } });
    const { doctor } = await setUp(
      {},
      { OPENAI_API_KEY: 'sk-hidden-key', OLLAMA_API_KEY: 'sk-hidden-key', OPENAI_BASE_URL: `${openai.url}/v1` },
    );
    const outcomes = [await doctor('--host', server.host), await doctor('--host', server.host, '--json')];
    expect(openai.requests.map(({ headers }) => headers.authorization)).toEqual(Array(2).fill('Bearer sk-hidden-key'));
    for (const { stdout, stderr } of outcomes) expect(stdout + stderr).not.toContain('hidden-key');
    expect(outcomes[0]?.stdout).toContain('it needs another key');
  });
});
