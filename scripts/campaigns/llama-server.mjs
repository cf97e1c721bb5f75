// A `llama-server` for a campaign, on a free port of this machine.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.mjs';

const readyMs = 120_000;

/** Resolves when it takes requests. `meanBatch` is the mean of the requests that a batch worked on, as it counts them. */
export async function startLlamaServer(program, flags) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [...flags, '--host', '127.0.0.1', '--port', String(port), '--metrics'];
  const server = spawn(program, args, { stdio: 'ignore' });
  const ended = once(server, 'exit');
  const stop = async () => {
    server.kill('SIGKILL');
    await ended;
  };
  for (let waited = 0; !(await isReady(url)); waited += 100) {
    if (server.exitCode !== null || waited > readyMs) throw new Error(`${program} did not start: ${args.join(' ')}`);
    await sleep(100);
  }
  return { url, pid: server.pid, stop, meanBatch: () => meanBatch(url) };
}

/** The build of a `llama-server`, as it calls itself. */
export function serverVersion(program) {
  // It tells its version on stderr.
  const { stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const text = `${stdout}${stderr}`;
  return /version: (.*)/.exec(text)?.[1] ?? text.trim();
}

const isReady = (url) =>
  fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );

async function meanBatch(url) {
  const text = await fetch(`${url}/metrics`).then((response) => response.text());
  return Number(/^llamacpp:n_busy_slots_per_decode (\S+)/m.exec(text)?.[1] ?? Number.NaN);
}
