import { describe, expect, onTestFinished, test } from 'vitest';
import { ollamaOptionsSchema } from '../../../../src/backends/ollama/options.ts';
import { type OllamaRequest, findOllama } from '../../../../src/backends/ollama/doctor/find-ollama.ts';
import { type FakeOllama, type FakeOllamaOptions, startFakeOllama } from '../../../helpers/fake-ollama-server.ts';
import { onlyPrograms } from '../../../helpers/only-programs.ts';
import { freePort, serve } from '../../../helpers/serve.ts';

/** A token takes a moment, so that requests overlap. */
async function start(options: FakeOllamaOptions = {}): Promise<FakeOllama> {
  const server = await startFakeOllama({ tokenMs: 1, ...options });
  onTestFinished(() => server.close());
  return server;
}

async function look(host: string | null, changes: Partial<OllamaRequest> & { given?: object } = {}) {
  const { given = {}, ...others } = changes;
  const options = { ...(await ollamaOptionsSchema()).parse(given), isKeepAliveGiven: 'keep_alive' in given };
  const notices: string[] = [];
  const onNotice = (text: string): void => void notices.push(text);
  const request = {
    connection: host === null ? {} : { host },
    model: null,
    environment: { PATH: '' },
    options,
    wantsProbe: true,
    onNotice,
    ...others,
  };
  return { ...(await findOllama(request)), notices };
}

describe('the probe', () => {
  test.each([1, 4])('finds %i slots with the model that it loads, and says what it does', async (slots) => {
    const server = await start({ slots });
    const { version, models, probe, notices } = await look(server.host);
    expect(version).toBe('0.34.0');
    expect(probe).toMatchObject({ model: 'tiny-scorer', slots, foundBy: 'probe', failure: null });
    expect(probe?.loadMs).toEqual(expect.any(Number));
    expect(models).toMatchObject([
      {
        name: 'tiny-scorer',
        family: 'llama',
        trainedTokens: 4096,
        loaded: { contextTokens: 4096, kvBytesPerToken: 1152 },
      },
    ]);
    expect(notices[0]).toContain('loading tiny-scorer');
    expect(notices[1]).toContain('how many requests it works on at once');
  });

  test('of a loaded model changes nothing about it: neither its window nor how long it stays', async () => {
    const server = await start({ slots: 2 });
    await server.reloadByOther({ num_ctx: 1024, num_thread: 1 });
    const { probe, models } = await look(server.host, { given: { num_thread: 1 } });
    expect(probe).toMatchObject({ slots: 2, loadMs: null });
    expect(models[0]?.loaded?.contextTokens).toBe(1024);
    expect(server.loads).toBe(1);
    const chats = server.requests.filter(({ path }) => path === '/api/chat');
    expect(chats.length).toBeGreaterThan(16);
    expect(chats.filter(({ body }) => body !== null && 'keep_alive' in body)).toEqual([]);
  });

  test('takes the keep_alive and the window that are given', async () => {
    const server = await start();
    const { models } = await look(server.host, { given: { keep_alive: '1m', num_ctx: 2048 } });
    expect(models[0]?.loaded?.contextTokens).toBe(2048);
    const chats = server.requests.filter(({ path }) => path === '/api/chat');
    expect(new Set(chats.map(({ body }) => body?.['keep_alive']))).toEqual(new Set(['1m']));
  });

  test('takes the loaded model before the others, and the one that is named before that', async () => {
    const server = await start({ models: ['first', 'second'] });
    expect((await look(server.host, { model: 'second' })).probe?.model).toBe('second');
    expect((await look(server.host)).probe).toMatchObject({ model: 'second', loadMs: null });
    expect((await look(server.host, { model: 'first:latest' })).probe).toMatchObject({
      model: 'first:latest',
      slots: 1,
    });
  });

  test('is left out where it is not wanted, and where nothing can be probed', async () => {
    const server = await start();
    expect((await look(server.host, { wantsProbe: false })).probe).toBeNull();
    const empty = await start({ models: [] });
    expect(await look(empty.host)).toMatchObject({ models: [], probe: null });
    const embedding = await start({ capabilities: ['embedding'] });
    expect((await look(embedding.host)).probe).toBeNull();
    for (const { requests } of [server, empty, embedding]) {
      expect(requests.filter(({ path }) => path === '/api/chat' || path === '/api/embed')).toEqual([]);
    }
  });

  test('of a model that is not there, or that only embeds, fails with what to do', async () => {
    const server = await start();
    const { probe } = await look(server.host, { model: 'tiny-scorr' });
    expect(probe).toMatchObject({ slots: null, failure: { kind: 'model-not-found' } });
    expect(probe?.failure?.hint).toContain('Did you mean tiny-scorer?');
    const embedding = await start({ capabilities: ['embedding'] });
    const asked = await look(embedding.host, { model: 'tiny-scorer' });
    expect(asked.probe?.failure?.text).toContain('only embeds');
  });

  test('of a model that can not be loaded tells why', async () => {
    const server = await start();
    server.faults = ({ path }) => (path === '/api/chat' ? 'oom' : null);
    const { probe } = await look(server.host);
    expect(probe).toMatchObject({ slots: null, probeMs: null, failure: { kind: 'out-of-memory' } });
    expect(probe?.failure?.text).not.toContain('\n');
  });

  test('of an architecture with one slot is not needed', async () => {
    const details = { format: 'gguf', family: 'qwen35', parameter_size: '4B', quantization_level: 'Q4_K_M' };
    const row = { name: 'qwen3.5:4b', size: 3e9, digest: 'd', details, capabilities: ['completion'] };
    const server = await serve({
      '/api/version': { body: '{"version":"0.34.0"}' },
      '/api/tags': { body: JSON.stringify({ models: [row] }) },
      '/api/ps': { body: '{"models":[]}' },
      '/api/show': { body: JSON.stringify({ details, capabilities: ['completion'], model_info: {} }) },
    });
    const { probe, models } = await look(server.url);
    expect(models).toMatchObject([{ name: 'qwen3.5:4b', hasOneSlot: true, trainedTokens: null, loaded: null }]);
    expect(probe).toMatchObject({ slots: 1, foundBy: 'architecture', probeMs: null });
    expect(server.requests.map(({ url }) => url)).not.toContain('/api/chat');
  });
});

describe('where no Ollama server is', () => {
  test('nothing answers', async () => {
    const found = await look(`127.0.0.1:${await freePort()}`);
    expect(found).toMatchObject({ version: null, isLocal: true, failure: { kind: 'silent' } });
    expect(found.failure?.text).toMatch(/^nothing answers at http:\/\/127\.0\.0\.1:\d+$/);
  });

  test.each([
    ['a page', { '/api/version': { body: '<html>' } }],
    ['nothing known', {}],
    ['another version', { '/api/version': { body: '{"release":1}' } }],
    ['only a version', { '/api/version': { body: '{"version":"1.0.0"}' } }],
  ])('something else answers: %s', async (_, replies) => {
    const server = await serve(replies);
    expect((await look(server.url)).failure).toMatchObject({
      kind: 'other',
      text: expect.stringContaining(`what answers at ${server.url} `),
    });
  });

  test('it wants a key', async () => {
    const server = await serve({ '/api/version': { status: 401, body: '{"error":"unauthorized"}' } });
    expect((await look(server.url)).failure?.kind).toBe('refused');
  });

  test('a wrong OLLAMA_HOST is told without its password, a wrong --host is a usage error', async () => {
    const address = 'http://me:hunter2@127.0.0.1:11434';
    const found = await look(null, { environment: { PATH: '', OLLAMA_HOST: address } });
    expect(found).toMatchObject({ url: null, failure: { kind: 'address' } });
    expect(JSON.stringify(found)).not.toContain('hunter2');
    await expect(look(address)).rejects.toMatchObject({ exitCode: 2 });
  });

  test('the command may be there', async () => {
    const host = `127.0.0.1:${await freePort()}`;
    expect((await look(host, { environment: await onlyPrograms({ ollama: '' }) })).isInstalled).toBe(true);
    expect((await look(host, { environment: await onlyPrograms() })).isInstalled).toBe(false);
  });
});

describe.skipIf(process.platform !== 'linux')('whom a server answers', () => {
  const replies = {
    '/api/version': { body: '{"version":"0.34.0"}' },
    '/api/tags': { body: '{"models":[]}' },
    '/api/ps': { body: '{"models":[]}' },
  };

  test.each([
    ['127.0.0.1', false],
    ['0.0.0.0', true],
  ])('that listens at %s', async (address, isOpen) => {
    const { url } = await serve(replies, address);
    expect((await look(url)).isOpenToOthers).toBe(isOpen);
  });
});
