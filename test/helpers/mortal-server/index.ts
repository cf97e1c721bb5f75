import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { waitUntil } from '../wait.ts';

const script = fileURLToPath(new URL('server.mjs', import.meta.url));

/** A server in a process of its own, which can be stopped, killed, and started again at the same address. */
export interface MortalServer {
  url: string;
  /** Prompts that it was sent, by all its processes, in order. */
  prompts: () => string[];
  /** Ends the process by this signal. One that is stopping may live on, deaf and dumb. */
  end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<void>;
  start: () => Promise<void>;
  /** Starts it again whenever it dies. */
  supervise: () => void;
}

export interface MortalOptions {
  kind: 'llamacpp' | 'proxy';
  answerMs?: number;
}

export async function startMortalServer({ kind, answerMs = 20 }: MortalOptions): Promise<MortalServer> {
  const port = await freePort();
  const prompts: string[] = [];
  const state = { child: null as ChildProcess | null, isSupervised: false, isOver: false };
  const all: ChildProcess[] = [];
  onTestFinished(() => {
    state.isOver = true;
    for (const child of all) child.kill('SIGKILL');
  });
  const start = async (): Promise<void> => {
    const child = spawn(process.execPath, [script, String(port), kind, String(answerMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    all.push(child);
    state.child = child;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      prompts.push(...lines.map((line) => JSON.parse(line) as string));
    });
    child.once('exit', () => {
      if (state.isSupervised && !state.isOver) void start();
    });
    await waitUntil(() => answers(port));
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}/v1`,
    prompts: () => prompts,
    async end(signal) {
      state.child?.kill(signal);
      await waitUntil(async () => !(await answers(port)));
    },
    start,
    supervise() {
      state.isSupervised = true;
    },
  };
}

const answers = async (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/v1/models`).then(
    async (response) => response.text().then(() => true),
    () => false,
  );

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
