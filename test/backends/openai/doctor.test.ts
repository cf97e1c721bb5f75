import { expect, test } from 'vitest';
import { findOpenai, examinedServers } from '../../../src/backends/openai/doctor.ts';
import { freePort, serve } from '../../helpers/serve.ts';

const list = (...models: object[]): { body: string } => ({ body: JSON.stringify({ object: 'list', data: models }) });
/** Where the environment alone names the server. */
const at = (environment: NodeJS.ProcessEnv, connection = {}) => ({ connection, environment });
const alone = { otherServers: [], model: null };
const vllm = list({ id: 'Qwen/Qwen3-8B', owned_by: 'vllm', max_model_len: 32_768 });

test('servers at the usual ports, and no other program there', async () => {
  const engine = await serve({ '/v1/models': vllm });
  const others = await Promise.all([
    serve({ '/v1/models': { body: '<html>' } }),
    serve({ '/v1/models': { body: '{"data":[1]}' } }),
    serve({}),
  ]);
  const ports = [engine.port, ...others.map(({ port }) => port), await freePort()];
  expect(await findOpenai(at({}), { otherServers: [], ports })).toEqual({
    isBaseUrlSet: false,
    ports,
    servers: [
      {
        url: `${engine.url}/v1`,
        namedBy: 'port',
        kind: 'vllm',
        models: [{ name: 'Qwen/Qwen3-8B', contextTokens: 32_768 }],
        failure: null,
        load: null,
      },
    ],
  });
});

test('neither the Ollama server nor what OPENAI_BASE_URL names is reported twice', async () => {
  const [ollama, named] = [await serve({ '/v1/models': vllm }), await serve({ '/v1/models': vllm })];
  const OPENAI_BASE_URL = named.url.replace('127.0.0.1', 'localhost');
  const found = await findOpenai(at({ OPENAI_BASE_URL: `${OPENAI_BASE_URL}/v1/` }), {
    otherServers: [{ backend: 'ollama', url: ollama.url }],
    ports: [ollama.port, named.port],
  });
  expect(found.ports).toEqual([]);
  expect(found.servers).toMatchObject([{ url: `${OPENAI_BASE_URL}/v1`, namedBy: 'OPENAI_BASE_URL', kind: 'vllm' }]);
  expect(ollama.requests).toEqual([]);
});

test('the key goes to what OPENAI_BASE_URL names, and nowhere else', async () => {
  const [named, other] = [await serve({ '/v1/models': vllm }), await serve({ '/v1/models': vllm })];
  const environment = { OPENAI_BASE_URL: `${named.url}/v1`, OPENAI_API_KEY: 'sk-secret' };
  const found = await findOpenai(at(environment), { otherServers: [], ports: [other.port] });
  expect(found.servers).toHaveLength(2);
  const keysAt = ({ requests }: typeof named) => [...new Set(requests.map(({ headers }) => headers.authorization))];
  expect([keysAt(named), keysAt(other)]).toEqual([['Bearer sk-secret'], [undefined]]);
  expect(JSON.stringify(found)).not.toContain('secret');
});

test.each([
  ['is larger than', Buffer.alloc(17 * 2 ** 20, ' ')],
  ['not UTF-8', Buffer.from('{"data":[{"id":"\xff"}]}', 'latin1')],
])("a list that %s what is taken is told as the server's fault", async (reason, body) => {
  const server = await serve({ '/v1/models': { body } });
  const environment = { OPENAI_BASE_URL: `${server.url}/v1` };
  const { servers } = await findOpenai(at(environment), { otherServers: [], ports: [] });
  expect(servers[0]?.failure).toContain(reason);
});

test('a redirect is not followed with the key', async () => {
  const other = await serve({ '/v1/models': vllm });
  const moved = { status: 302, headers: { Location: `${other.url}/v1/models` }, body: '' };
  const named = await serve({ '/v1/models': moved });
  const environment = { OPENAI_BASE_URL: `${named.url}/v1`, OPENAI_API_KEY: 'sk-secret' };
  const { servers } = await findOpenai(at(environment), { otherServers: [], ports: [] });
  expect([servers[0]?.failure, other.requests]).toEqual(['its /models is not a list of models (HTTP 302)', []]);
});

test('what is wrong with the server that OPENAI_BASE_URL names', async () => {
  const failureOf = async (OPENAI_BASE_URL: string, OPENAI_API_KEY?: string): Promise<string | null | undefined> => {
    const key = OPENAI_API_KEY === undefined ? {} : { OPENAI_API_KEY };
    const found = await findOpenai(at({ OPENAI_BASE_URL, ...key }), { otherServers: [], ports: [] });
    expect(JSON.stringify(found)).not.toContain('secret');
    return found.servers[0]?.failure;
  };
  const locked = await serve({ '/v1/models': { status: 401, body: '{}' } });
  expect(await failureOf(`${locked.url}/v1`)).toBe('it needs a key (HTTP 401)');
  expect(await failureOf(`${locked.url}/v1`, 'sk-secret')).toBe('it needs another key (HTTP 401)');
  expect(await failureOf(`http://127.0.0.1:${await freePort()}/v1`)).toBe('nothing answers');
  expect(await failureOf('http://user:secret@127.0.0.1:1/v1')).toBe('the base URL holds a user name');
  expect(await failureOf(`${locked.url}/v1`, 'sk secret')).toBe(
    'OPENAI_API_KEY contains a character that a key cannot have',
  );
  expect(await failureOf('127.0.0.1:8000')).toBe('"127.0.0.1:8000" is not an http(s) address of a server');
  const fine = await serve({ '/v1/models': vllm });
  expect(await failureOf(fine.url)).toBeNull();
  expect(await failureOf(`${fine.url}/v1?api_key=secret`)).toMatch(/^the base URL has more than a path/);
});

test('a port that accepts and says nothing is given up', async () => {
  const silent = await serve({ '/v1/models': null });
  expect((await findOpenai(at({}), { otherServers: [], ports: [silent.port] })).servers).toEqual([]);
  expect(silent.requests).toHaveLength(1);
});

const named = {
  url: 'http://127.0.0.1:9/v1',
  namedBy: 'OPENAI_BASE_URL',
  kind: null,
  models: [],
  failure: null,
  load: null,
} as const;

const machine = { platform: 'linux', freeMemoryBytes: 0, gpu: { gpus: [], failure: null } };

/** Level and code of each finding about the server that OPENAI_BASE_URL names. */
function findingsOf(changes: { kind?: string; failure?: string }, otherUrl = 'http://127.0.0.1:11434'): string[][] {
  const search = { isBaseUrlSet: true, ports: [], servers: [{ ...named, models: [], ...changes }] };
  const { findings } = examinedServers(search, {
    ...alone,
    otherServers: [{ backend: 'ollama', url: otherUrl }],
  }).report(machine);
  return findings.map(({ level, id, text, fix }) => [level, id, text, fix]);
}

test('OPENAI_BASE_URL that names nothing, or an Ollama server', () => {
  expect(findingsOf({ failure: 'nothing answers' })).toEqual([
    ['warning', 'openai-server', expect.stringContaining('nothing answers'), expect.any(String)],
  ]);
  const isOllama = ['warning', 'openai-is-ollama', expect.any(String), expect.stringContaining('-b ollama')];
  expect(findingsOf({ kind: 'library' })).toEqual([isOllama]);
  expect(findingsOf({}, 'http://127.0.0.1:9')).toEqual([isOllama]);
  expect(findingsOf({ kind: 'vllm' })).toEqual([]);
});

test('what a server is doing for others', async () => {
  const metrics = { body: 'vllm:num_requests_running{engine="0"} 3.0\nvllm:num_requests_waiting{engine="0"} 1.0\n' };
  const server = await serve({ '/v1/models': vllm, '/metrics': metrics });
  const found = await findOpenai(at({}), { otherServers: [], ports: [server.port] });
  const { rows, findings } = examinedServers(found, alone).report(machine);
  expect(rows[0]?.[1]).toMatch(/ 3 requests running, 1 waiting$/);
  expect(findings).toMatchObject([
    { level: 'hint', id: 'openai-busy', text: expect.stringContaining(server.url) as string },
  ]);
  metrics.body = metrics.body.replaceAll(/[31]\.0/g, '0.0');
  const idle = examinedServers(await findOpenai(at({}), { otherServers: [], ports: [server.port] }), alone).report(
    machine,
  );
  expect([idle.rows[0]?.[1], idle.findings]).toEqual([expect.not.stringContaining('running'), []]);
});
