import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { realVllm } from '../real-engines.ts';

// OpenAI's own clients against the real server. The client for Python comes with vLLM.

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const program = here('../../../bin/llmbatch.js');
const python = realVllm?.python ?? '';

const steps = [
  'upload by path',
  'upload of bytes',
  'upload of a stream',
  'content',
  'files, page by page',
  'deletion',
  'another purpose',
  'creation',
  'polling to its end',
  'results',
  'an error file',
  'a batch whose requests all fail',
  'a file with a mistake',
  'a file that is no JSON',
  'refusals',
  'batches, page by page',
  'cancelling',
  'cancelling what is over',
  'models',
];

/** Starts a server of its own on `mock`; resolves to its address. */
async function startServer(): Promise<string> {
  const flags = ['--listen', '127.0.0.1:0', '--dir', await scratchFolder(), '-b', 'mock', '-m', 'mock'];
  const options = ['--option', 'context_tokens=300', '--option', 'latency_ms=1'];
  const server = spawn(process.execPath, [program, 'serve', ...flags, ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => stopServer(server));
  for await (const line of createInterface({ input: server.stderr })) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (url !== undefined) {
      server.stderr.resume();
      return `${url}/v1`;
    }
  }
  throw new Error('the server has ended');
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  server.kill('SIGTERM');
  await once(server, 'exit');
}

async function stepsOf(command: string, script: string, url: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(command, [here(script), url], { timeout: 240_000 });
  return stdout.trim().split('\n');
}

describe("OpenAI's own clients", () => {
  let url = '';
  beforeEach(async () => void (url = await startServer()));

  it('goes through the whole Batch API with the client for Node', async () => {
    expect(await stepsOf(process.execPath, 'check.mjs', url)).toEqual(steps);
  });

  it.skipIf(realVllm === null)('goes through the whole Batch API with the client for Python', async () => {
    expect(await stepsOf(python, 'check.py', url)).toEqual(steps);
  });
});
