import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findChild, findServer, isOpenToOthers } from '../../src/machine/listening-process.ts';

/** A process that listens, starts a child by this name, and says both. */
async function startServer(
  host: string,
  childName: string,
  name = '/usr/local/bin/ollama',
): Promise<{ port: number; child: number; pid: number }> {
  const script = `
    const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { argv0: process.argv[2], stdio: 'ignore' });
    process.on('disconnect', () => { child.kill('SIGKILL'); process.exit(); });
    const server = require('node:net').createServer();
    server.listen(0, process.argv[1], () => process.send({ port: server.address().port, child: child.pid }));`;
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
  const [said] = (await once(server, 'message')) as [{ port: number; child: number }];
  return { ...said, pid: server.pid ?? 0 };
}

const runner = /^(llama-server|ollama)/;

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

  test.each(['/usr/lib/ollama/llama-server', 'ollama'])('has its model in a child: %s', async (name) => {
    const { pid, child } = await startServer('127.0.0.1', name);
    expect(await findChild(pid, runner)).toBe(child);
  });

  test('has none where its children are others', async () => {
    const { pid } = await startServer('127.0.0.1', 'sleep', 'node');
    expect(await findChild(pid, runner)).toBe(null);
    expect(await findChild(process.pid, runner)).toBe(null);
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
