import { readFile, readdir, rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend, OpenRequest } from '../../../../src/core/backend.ts';
import { type Answer, answerText } from '../../../../src/core/completion.ts';
import { waitUntil } from '../../../helpers/wait.ts';
import { chat } from '../../candidates.ts';
import { completed, context, isAlive } from '../../conformance.ts';
import { type FakeServer, fakeServer, openOnFakeServer } from './open-on-fake.ts';

const request = chat([{ role: 'user', content: 'hello' }], { max_tokens: 50 });
const ask = (backend: Backend, changes: Record<string, unknown> = {}): Promise<Answer> =>
  backend.generate({ ...request, body: { ...request.body, ...changes } }, context());

let folder: string;
let backend: Backend | null = null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmbatch-fake-'));
});
afterEach(async () => {
  await backend?.close();
  backend = null;
  await rm(folder, { recursive: true });
});

async function open(does: FakeServer = {}, changes: Partial<OpenRequest> = {}): Promise<Backend> {
  backend = await openOnFakeServer(does, changes);
  return backend;
}

/** The one process that the worker has started. */
async function serverOf({ supervision }: Backend): Promise<number> {
  const worker = supervision?.pid?.() ?? 0;
  return Number((await readFile(`/proc/${worker}/task/${worker}/children`, 'utf8')).trim());
}

describe('the start of a server', () => {
  test('gives it the model, the slots and a key, and none of them but the key by a variable', async () => {
    const flagsFile = join(folder, 'flags.json');
    process.env['LLAMA_ARG_CTX_SIZE'] = '1';
    const { info, limits } = await open({ flagsFile }, { workers: 3 });
    delete process.env['LLAMA_ARG_CTX_SIZE'];
    const { flags, environment } = JSON.parse(await readFile(flagsFile, 'utf8')) as {
      flags: string[];
      environment: Record<string, string>;
    };
    const text = flags.join(' ');
    expect(text).toContain(`--parallel 3 --ctx-size ${3 * 4096} --threads 1`);
    expect(text).toContain('--device none');
    const key = environment['LLAMA_API_KEY'] ?? '';
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(text).not.toContain(key);
    expect(environment).not.toHaveProperty('LLAMA_ARG_CTX_SIZE');
    expect(limits.slots).toBe(3);
    expect(info.version).toMatch(/^llama-server 9\.0\.0 \(build 99999\), node-llama-cpp \S+ for the tokens$/);
  });

  test.each([
    [{}, true],
    [{ swa_full: false }, false],
  ])('keeps what lies behind a sliding window unless it is told not to: %o', async (options, expected) => {
    const flagsFile = join(folder, 'flags.json');
    await open({ flagsFile }, { options: { gpu: 'off', server: fakeServer, ...options } });
    const { flags } = JSON.parse(await readFile(flagsFile, 'utf8')) as { flags: string[] };
    expect(flags.includes('--swa-full')).toBe(expected);
  });

  test('leaves nothing of its socket when it is closed', async () => {
    const flagsFile = join(folder, 'flags.json');
    await open({ flagsFile });
    const { flags } = JSON.parse(await readFile(flagsFile, 'utf8')) as { flags: string[] };
    const socket = flags[flags.indexOf('--host') + 1] ?? '';
    await backend?.close();
    expect(await readdir(dirname(dirname(socket)))).not.toContain(socket.split('/').at(-2));
  });

  test.each<[string, FakeServer, RegExp]>([
    [
      'a flag that it does not know',
      { refusedFlag: '--cache-ram' },
      /ended with code 1.*invalid argument: --cache-ram/s,
    ],
    ['a program that is none', { version: 'none' }, /is no llama-server/],
  ])('is given up for %s, with the way out', async (_what, does, message) => {
    await expect(openOnFakeServer(does)).rejects.toMatchObject({
      kind: 'unusable',
      message: expect.stringMatching(message) as string,
      hint: expect.stringContaining('--option server=off') as string,
    });
  });

  test('says where there is none, or none for a GPU', async () => {
    const path = join(folder, 'absent');
    await expect(open({}, { options: { server: path } })).rejects.toMatchObject({ message: `There is no ${path}.` });
    await expect(open({}, { options: { gpu: 'cuda', server: fakeServer } })).rejects.toMatchObject({
      hint: '--option gpu=auto',
    });
  });

  test('is given up with the run while the model is loaded', async () => {
    const controller = new AbortController();
    const reason = new Error('stopped while loading');
    const onNotice = (): void => void setTimeout(() => controller.abort(reason), 100);
    await expect(open({ isLoading: true }, { signal: controller.signal, onNotice })).rejects.toBe(reason);
  });
});

describe('an answer of a server', () => {
  test('has the text of characters whose tokens come without an event, and their number', async () => {
    await open({
      pieces: [
        ['a', 1],
        ['😀', 4],
        [' b', 5],
      ],
    });
    const { body, finish } = completed(await ask(backend!));
    expect(answerText(body)).toBe('a😀 b');
    expect(body.usage).toMatchObject({ completion_tokens: 5 });
    expect(finish).toEqual({ reason: 'eog' });
  });

  test('shows that a character at its end is not whole', async () => {
    await open({ pieces: [['a', 1]], last: { tokens_predicted: 4 } });
    expect(answerText(completed(await ask(backend!)).body)).toBe('a\uFFFD');
  });

  test('ends before a stop string in two pieces, and does not count the end token', async () => {
    await open({
      pieces: [
        ['on', 1],
        ['e st', 2],
        ['op two', 3],
      ],
    });
    const stopped = completed(await ask(backend!, { stop: ['stop'] }));
    expect(answerText(stopped.body)).toBe('one ');
    expect(stopped.finish).toEqual({ reason: 'stop-string', stop: 'stop' });
    const whole = completed(await ask(backend!));
    expect(whole.body.usage).toMatchObject({ completion_tokens: 3 });
    expect(whole.finish).toEqual({ reason: 'eog' });
  });

  test('is ended where it repeats itself', async () => {
    const pieces = Array.from({ length: 700 }, (_, index): [string, number] => [' again and', index + 1]);
    await open({ pieces });
    expect(await ask(backend!, { max_tokens: 1000 })).toMatchObject({ kind: 'repetition' });
  });

  test.each<[string, FakeServer, string]>([
    ['a line that is no event', { line: 'event: odd' }, 'does not know: event: odd'],
    ['an event without a text', { line: 'data: {"a":1}' }, 'does not know'],
    ['an error', { line: 'data: {"error":{"message":"no more memory"}}' }, 'no more memory'],
    ['another prompt', { last: { tokens_evaluated: 2 } }, 'did not answer the whole prompt'],
    ['a prompt that it cut', { last: { truncated: true } }, 'did not answer the whole prompt'],
    ['an end that nobody asked for', { last: { stop_type: 'word' } }, 'did not answer the whole prompt'],
    ['a status of trouble', { status: 500, error: { error: { message: 'Compute error.' } } }, 'Compute error.'],
  ])('is a failure for %s', async (_what, does, message) => {
    await open(does);
    const failed = await ask(backend!);
    expect(failed).toMatchObject({ kind: 'server-error', message: expect.stringContaining(message) as string });
  });

  test('is refused with penalties, for which a server counts the prompt too', async () => {
    await open();
    const failed = await ask(backend!, { presence_penalty: 1 });
    expect(failed).toMatchObject({ kind: 'bad-request', message: expect.stringContaining('server=off') as string });
  });

  test('is given up with its request', async () => {
    await open({ hangs: true });
    const controller = new AbortController();
    const reason = new Error('not wanted');
    const asked = backend!.generate(
      request,
      context({ signal: controller.signal, onFirstToken: () => controller.abort(reason) }),
    );
    await expect(asked).rejects.toBe(reason);
  });
});

describe.skipIf(process.platform !== 'linux')('the life of a server', () => {
  test('that is killed ends its worker, which is started again', async () => {
    const restarts: string[] = [];
    await open({ hangs: true }, { onRestart: (reason) => restarts.push(reason) });
    const server = await serverOf(backend!);
    const asked = backend!.generate(request, context({ onFirstToken: () => process.kill(server, 'SIGKILL') }));
    expect(await asked).toMatchObject({
      kind: 'engine-crashed',
      message: expect.stringMatching(/llama-server was ended by SIGKILL/) as string,
    });
    process.env['FAKE_SERVER'] = '{}';
    completed(await ask(backend!));
    expect(restarts).toHaveLength(1);
    expect(await serverOf(backend!)).not.toBe(server);
  });

  test.each<[string, (worker: number, backend: Backend) => unknown]>([
    ['its worker is killed', (worker) => process.kill(worker, 'SIGKILL')],
    [
      'its worker is stopped and restarted',
      (worker, { supervision }) => {
        process.kill(worker, 'SIGSTOP');
        return supervision?.restart?.();
      },
    ],
    ['the backend is closed', async (_worker, opened) => opened.close()],
  ])('ends when %s', async (_what, act) => {
    await open();
    const server = await serverOf(backend!);
    expect(isAlive(server)).toBe(true);
    await act(backend!.supervision?.pid?.() ?? 0, backend!);
    await waitUntil(() => !isAlive(server));
  });

  test('that dies of one request again and again fails that request alone', async () => {
    await open({ diesAt: 1 });
    for (let times = 0; times < 3; times++) expect(await ask(backend!)).toMatchObject({ kind: 'engine-crashed' });
    expect(await ask(backend!)).toMatchObject({
      kind: 'bad-request',
      message: expect.stringContaining('died of this request') as string,
    });
  });
});
