import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findLocalRunner } from '../../src/backends/ollama/server-process.ts';
import { findChild, findServer, isOpenToOthers } from '../../src/machine/listening-process.ts';

/** A process that listens, starts two children by this name, for a model each, and says all. */
async function startServer(
  host: string,
  childName: string,
  name = '/usr/local/bin/ollama',
): Promise<{ port: number; children: number[]; pid: number }> {
  const script = `
    const { spawn } = require('node:child_process');
    const start = (model) => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', '--model', '/blobs/' + model, '-np', '3'], { argv0: process.argv[2], stdio: 'ignore' });
    const children = ['sha256-aa', 'sha256-bb'].map(start);
    process.on('disconnect', () => { for (const child of children) child.kill('SIGKILL'); process.exit(); });
    const server = require('node:net').createServer();
    server.listen(0, process.argv[1], () => process.send({ port: server.address().port, children: children.map(({ pid }) => pid) }));`;
  const environment = { ...process.env, LLAMA_ARG_CACHE_RAM: '0', ODD: 'a=b=c' };
  const server: ChildProcess = spawn(process.execPath, ['-e', script, host, childName], {
    argv0: name,
    env: environment,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  onTestFinished(async () => {
    server.disconnect();
    await once(server, 'exit');
  });
  const [said] = (await once(server, 'message')) as [{ port: number; children: number[] }];
  return { ...said, pid: server.pid ?? 0 };
}

const program = /^(llama-server|ollama)/;

describe.runIf(process.platform === 'linux')('a server on this machine', () => {
  test.each(['127.0.0.1', '0.0.0.0', '::1'])('is found by its port, with its environment: %s', async (host) => {
    const { port, pid } = await startServer(host, 'llama-server');
    expect(await findServer(port, /^ollama/)).toMatchObject({
      pid,
      environment: { LLAMA_ARG_CACHE_RAM: '0', ODD: 'a=b=c' },
    });
  });

  test('keeps its environment to itself where it is a tunnel or a proxy', async () => {
    const { port, pid } = await startServer('127.0.0.1', 'llama-server', 'docker-proxy');
    expect(await findServer(port, /^ollama/)).toEqual({ pid, environment: null });
  });

  test.each(['/usr/lib/ollama/llama-server', 'ollama'])('has each model in a child: %s', async (name) => {
    const { pid, children } = await startServer('127.0.0.1', name);
    expect(await findChild(pid, { program, argument: 'sha256-aa' })).toMatchObject({ pid: children[0] });
    expect(await findChild(pid, { program, argument: 'sha256-bb' })).toMatchObject({ pid: children[1] });
  });

  test('has none where its children are others, or where several are meant', async () => {
    const { pid } = await startServer('127.0.0.1', 'ollama');
    expect(await findChild(pid, { program, argument: 'sha256-cc' })).toBe(null);
    expect(await findChild(pid, { program, argument: 'sha256-' })).toBe(null);
    expect(await findChild(pid, { program: /^vllm/, argument: 'sha256-aa' })).toBe(null);
  });

  test('has the model of a run in one of its children, whose command line says how many slots it has', async () => {
    const { port, children } = await startServer('127.0.0.1', 'llama-server');
    const host = { url: `http://127.0.0.1:${port}`, isLocal: true };
    expect(await findLocalRunner(host, 'sha256-bb')).toEqual({ pid: children[1], slots: 3 });
    expect(await findLocalRunner(host, null)).toBe(null);
    expect(await findLocalRunner({ ...host, isLocal: false }, 'sha256-bb')).toBe(null);
  });

  test('is not there where nothing listens', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect(await findServer(port, /^ollama/)).toMatchObject({ pid: process.pid });
    server.close();
    await once(server, 'close');
    expect(await findServer(port, /^ollama/)).toBe(null);
  });

  test.each([
    ['127.0.0.1', false],
    ['127.0.0.9', false],
    ['::1', false],
    ['0.0.0.0', true],
    ['::', true],
  ])('is open to others at %s: %s', async (host, isOpen) => {
    const { port } = await startServer(host, 'ollama');
    expect(await isOpenToOthers(port)).toBe(isOpen);
  });
});
