import { readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFakeOpenai } from '../helpers/fake-openai-server.ts';
import { canMount, mountTmpfs } from '../helpers/mount-tmpfs.ts';
import { type CliFolder, type CliProcess, createCliFolder, until } from '../helpers/run-cli.ts';

const slow = ['--option', 'latency_ms=30', '--workers', '4'];

interface Server extends CliProcess {
  url: string;
}

interface Batch {
  id: string;
  status: string;
  output_file_id: string | null;
  error_file_id: string | null;
  request_counts: { total: number; completed: number; failed: number };
  errors: { data: { message: string; line: number | null }[] } | null;
  llmbatch: { state: string; position: number | null; problem: string | null };
}

/** Starts the server in the folder `data`, and waits until it listens. */
async function serve(folder: CliFolder, flags: string[] = slow, listen = '127.0.0.1:0'): Promise<Server> {
  const server = folder.start(['serve', '--listen', listen, '--dir', 'data', '-b', 'mock', ...flags]);
  await until(() => /listens on \S+/.test(server.stderr()) || server.child.exitCode !== null);
  const [, url] = /listens on (\S+)/.exec(server.stderr()) ?? [];
  if (url === undefined) throw new Error(server.stderr());
  return { ...server, url };
}

async function ask<Answer>(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text) as Answer;
}

const post = <Answer>(url: string, body: object = {}): Promise<Answer> =>
  ask(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

interface Asked {
  count: number;
  /** Several take turns. */
  models?: string[];
  metadata?: Record<string, string>;
}

/** Uploads so many chats, and makes a batch of them. */
async function submit({ url }: Server, { count, models = ['mock'], metadata = {} }: Asked): Promise<string> {
  const asked = Array.from({ length: count }, (_, index) => ({
    custom_id: `r${index + 1}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: models[index % models.length], messages: [{ role: 'user', content: `question ${index + 1}` }] },
  }));
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new Blob([asked.map((line) => `${JSON.stringify(line)}\n`).join('')]), 'in.jsonl');
  const file = await ask<{ id: string }>(`${url}/v1/files`, { method: 'POST', body: form });
  const batch = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h', metadata };
  return (await post<Batch>(`${url}/v1/batches`, batch)).id;
}

const get = ({ url }: Server, id: string): Promise<Batch> => ask(`${url}/v1/batches/${id}`);

async function untilIs(server: Server, id: string, isSo: (batch: Batch) => boolean): Promise<Batch> {
  await until(async () => isSo(await get(server, id)));
  return get(server, id);
}

const ended = (server: Server, id: string): Promise<Batch> =>
  untilIs(server, id, ({ status }) => ['completed', 'failed', 'expired', 'cancelled'].includes(status));

const hasBegun = ({ request_counts: { completed } }: Batch): boolean => completed > 0;

async function lines(
  { url }: Server,
  fileId: string | null,
): Promise<{ custom_id: string; response: { body: { choices: { message: { content: string } }[] } } | null }[]> {
  if (fileId === null) return [];
  const text = await (await fetch(`${url}/v1/files/${fileId}/content`)).text();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

/** Every request has its right answer, in the order of the input. */
async function expectAnswers(server: Server, { output_file_id }: Batch, count: number): Promise<void> {
  const answers = (await lines(server, output_file_id)).map(
    ({ custom_id: id, response }) => `${id} ${response?.body.choices[0]?.message.content}`,
  );
  expect(answers).toEqual(Array.from({ length: count }, (_, index) => `r${index + 1} question ${index + 1}`));
}

test('a batch is uploaded, run and fetched, and the server says so', async () => {
  const folder = await createCliFolder();
  const server = await serve(folder, []);
  const id = await submit(server, { count: 20 });
  const batch = await ended(server, id);
  expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 20, completed: 20, failed: 0 } });
  await expectAnswers(server, batch, 20);
  server.child.kill('SIGTERM');
  const { exitCode, stdout, stderr } = await server.outcome;
  expect([exitCode, stdout]).toEqual([143, '']);
  expect(stderr.split('\n')).toEqual([
    expect.stringMatching(/^llmbatch serve listens on http:\/\/127\.0\.0\.1:\d+ /),
    expect.stringMatching(/^files and batches: .*\/data$/),
    'engine: mock',
    `${id}: submitted`,
    `${id}: starts (20 requests)`,
    `${id}: mock, mock, 8 workers`,
    `${id}: completed: 20 of 20 requests succeeded, 0 failed`,
    expect.stringMatching(/^stopping: /),
    '',
  ]);
});

test('nobody else can read what is kept', async () => {
  const folder = await createCliFolder();
  const server = await serve(folder, []);
  await ended(server, await submit(server, { count: 3 }));
  const entries = await readdir(folder.at('data'), { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const { mode } = await stat(`${entry.parentPath}/${entry.name}`);
    expect([entry.name, mode & 0o077]).toEqual([entry.name, 0]);
  }
});

describe('batches', () => {
  test('of a higher priority go first, and the one that ran goes on', async () => {
    const folder = await createCliFolder();
    const server = await serve(folder);
    const low = await submit(server, { count: 150 });
    await untilIs(server, low, hasBegun);
    const high = await submit(server, { count: 5, metadata: { priority: '3' } });
    await ended(server, high);
    expect((await get(server, low)).status).toBe('in_progress');
    await expectAnswers(server, await ended(server, low), 150);
  });

  test('of several models are run, each model loaded once for a batch', async () => {
    const folder = await createCliFolder();
    const server = await serve(folder, []);
    const [one, two] = [
      await submit(server, { count: 3, models: ['mock:a'] }),
      await submit(server, { count: 7, models: ['mock:b', 'mock:c'] }),
    ];
    await expectAnswers(server, await ended(server, one), 3);
    await expectAnswers(server, await ended(server, two), 7);
    expect(await ask(`${server.url}/v1/queue`)).toMatchObject({ loaded_model: 'mock:c', model_loads: 3 });
  });

  test('go to the engine of their model', async () => {
    const folder = await createCliFolder();
    const engine = await startFakeOpenai({ models: ['gemma-3', 'other'] });
    onTestFinished(() => engine.close());
    const server = await serve(folder, ['--route', 'gemma*=openai', '--route', '*=mock', '--base-url', engine.url]);
    const here = await submit(server, { count: 4, models: ['mock', 'gemma'] });
    expect((await ended(server, here)).errors?.data[0]?.message).toContain('its models are for different engines');
    const [one, two] = [
      await submit(server, { count: 3, models: ['gemma-3'] }),
      await submit(server, { count: 5, models: ['gemini'] }),
    ];
    expect((await ended(server, one)).request_counts).toEqual({ total: 3, completed: 3, failed: 0 });
    await expectAnswers(server, await ended(server, two), 5);
    expect(engine.requests.map(({ body }) => body?.['model'])).toEqual(['gemma-3', 'gemma-3', 'gemma-3']);
    expect(server.stderr()).toContain('engine: openai for gemma*, mock for *, else mock');
  });

  test('are paused, resumed and cancelled', async () => {
    const folder = await createCliFolder();
    const server = await serve(folder);
    const id = await submit(server, { count: 2000 });
    await untilIs(server, id, hasBegun);
    expect(await post(`${server.url}/v1/batches/${id}/pause`)).toMatchObject({
      llmbatch: { paused: { by: expect.any(String) } },
    });
    await until(async () => (await ask<{ running: string | null }>(`${server.url}/v1/queue`)).running === null);
    const { request_counts: before } = await get(server, id);
    await post(`${server.url}/v1/batches/${id}/resume`);
    await untilIs(server, id, ({ request_counts: { completed } }) => completed > before.completed);
    expect((await post<Batch>(`${server.url}/v1/batches/${id}/cancel`)).status).toBe('cancelling');
    const { status, request_counts: counts, output_file_id, error_file_id } = await ended(server, id);
    expect(status).toBe('cancelled');
    expect(await lines(server, output_file_id)).toHaveLength(counts.completed);
    expect((await lines(server, error_file_id)).length + counts.completed).toBe(2000);
  });
});

describe('after kill -9', () => {
  test('the next server goes on, and sends nothing twice', async () => {
    const folder = await createCliFolder();
    const first = await serve(folder);
    const [running, waiting] = [await submit(first, { count: 200 }), await submit(first, { count: 5 })];
    await untilIs(first, running, hasBegun);
    first.child.kill('SIGKILL');
    await first.outcome;
    const second = await serve(folder);
    await expectAnswers(second, await ended(second, running), 200);
    await expectAnswers(second, await ended(second, waiting), 5);
    const journal = await folder.results(`data/batches/${running}/results.jsonl`);
    expect(new Set(journal.map(({ custom_id: id }) => id)).size).toBe(journal.length);
  });

  test('a paused batch stays paused, and a cancelled one is cancelled', async () => {
    const folder = await createCliFolder();
    const first = await serve(folder);
    const [paused, cancelled] = [await submit(first, { count: 500 }), await submit(first, { count: 500 })];
    await untilIs(first, paused, hasBegun);
    await post(`${first.url}/v1/batches/${paused}/pause`);
    await untilIs(first, cancelled, hasBegun);
    await post(`${first.url}/v1/batches/${cancelled}/cancel`);
    first.child.kill('SIGKILL');
    await first.outcome;
    const second = await serve(folder);
    expect((await ended(second, cancelled)).status).toBe('cancelled');
    expect(await get(second, paused)).toMatchObject({ status: 'in_progress', llmbatch: { state: 'paused' } });
  });
});

test('Ctrl-C lets what is in flight end; a second one ends all at once', async () => {
  const folder = await createCliFolder();
  const first = await serve(folder);
  const id = await submit(first, { count: 2000 });
  await untilIs(first, id, hasBegun);
  first.child.kill('SIGINT');
  expect((await first.outcome).exitCode).toBe(130);
  const journal = await folder.results(`data/batches/${id}/results.jsonl`);
  expect((await readRecord(folder, id)).counts.completed).toBe(journal.length);

  const second = await serve(folder, ['--option', 'latency_ms=600000', '--workers', '4']);
  await until(async () => (await ask<{ running: string | null }>(`${second.url}/v1/queue`)).running === id);
  second.child.kill('SIGINT');
  await until(() => second.stderr().includes('Ctrl-C again ends now'));
  second.child.kill('SIGINT');
  expect((await second.outcome).exitCode).toBe(130);
  expect((await readRecord(folder, id)).status).toBe('in_progress');
});

const readRecord = async (folder: CliFolder, id: string): Promise<{ status: string; counts: { completed: number } }> =>
  JSON.parse(await folder.text(`data/batches/${id}/batch.json`));

describe('is refused', () => {
  test('a second server on the folder: 5', async () => {
    const folder = await createCliFolder();
    const first = await serve(folder);
    const { exitCode, stderr } = await folder.run(['serve', '--listen', '127.0.0.1:0', '--dir', 'data']);
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining(`is in use by process ${first.child.pid}`)]);
  });

  test('a port that is in use: 2, and the folder is free again', async () => {
    const folder = await createCliFolder();
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { exitCode, stderr } = await folder.run(['serve', '--listen', String(port), '--dir', 'data']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--listen')]);
    await serve(folder);
  });

  test.each([
    ['', 'anybody who can reach 0.0.0.0 could use this server'],
    ['x'.repeat(15), 'LLMBATCH_API_KEY has 15 characters'],
  ])('an address beyond loopback without a key of some length: 2', async (key, problem) => {
    const folder = await createCliFolder();
    const words = ['serve', '--listen', '0.0.0.0:0', '--dir', 'data'];
    const { exitCode, stderr } = await folder.run(words, { environment: { LLMBATCH_API_KEY: key } });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(problem)]);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test.each([
    [['--listen', 'nowhere'], 'Expected host:port'],
    [['--listen', '127.0.0.1:70000'], 'Expected host:port'],
    [['--route', 'gemma'], 'Expected glob=backend'],
    [['--route', 'gemma*=nothing'], 'no backend is called "nothing"'],
    [['-b', 'mock', '--option', 'nothing=1'], 'mock has no option "nothing"'],
    [['--max-file-bytes', '0'], 'Expected a size'],
  ])('what means nothing: %j', async (flags, problem) => {
    const folder = await createCliFolder();
    const { exitCode, stderr } = await folder.run(['serve', '--dir', 'data', ...flags]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(problem)]);
  });
});

test.skipIf(!canMount())('a full disk stops the batch, and it goes on when there is room (needs root)', async () => {
  const folder = await createCliFolder();
  const disk = mountTmpfs(folder.at('data'), 'size=256k');
  const server = await serve(folder, []);
  const id = await submit(server, { count: 400 });
  const { llmbatch, status } = await untilIs(server, id, ({ llmbatch: { problem } }) => problem !== null);
  expect([status, llmbatch]).toEqual([
    'in_progress',
    expect.objectContaining({ state: 'waiting', problem: expect.stringContaining('no space left on the disk') }),
  ]);
  await expect(submit(server, { count: 1000 })).rejects.toThrow(/^507 /);
  disk.remount('size=8m');
  await post(`${server.url}/v1/batches/${id}/resume`);
  await expectAnswers(server, await ended(server, id), 400);
});
