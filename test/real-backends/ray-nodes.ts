import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { scratchFolder } from '../helpers/scratch-folder.ts';

/** A Ray cluster on this machine, each node of which is a raylet with one GPU by its own word. */
export interface RayNodes {
  /** Of its head. */
  address: string;
  /** Variables with which programs come in: the cluster wants a token. */
  environment: Record<string, string>;
}

/** Does this Python have Ray? */
export const hasRay = (python: string): boolean => spawnSync(python, ['-c', 'import ray']).status === 0;

/** Starts a head and a second node, which end with the test. `ray stop` would end every Ray process of the machine. */
export async function startRayNodes(python: string, variables: Record<string, string>): Promise<RayNodes> {
  const environment = { RAY_AUTH_MODE: 'token', RAY_AUTH_TOKEN: '0123456789abcdef'.repeat(2) };
  const port = await freePort();
  const start = async (...args: string[]): Promise<void> => {
    const common = ['--num-cpus=2', '--num-gpus=1', '--object-store-memory=100000000', '--disable-usage-stats'];
    const child = spawn(join(dirname(python), 'ray'), ['start', ...args, '--node-ip-address=127.0.0.1', ...common], {
      env: { ...process.env, ...variables, ...environment },
      detached: true,
      stdio: 'ignore',
    });
    // What it leaves is in its group.
    onTestFinished(() => void process.kill(-child.pid!, 'SIGKILL'));
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`ray start ended with code ${code}`);
  };
  await start('--head', `--port=${port}`, '--include-dashboard=false', `--temp-dir=${await scratchFolder()}`);
  await start(`--address=127.0.0.1:${port}`);
  return { address: `127.0.0.1:${port}`, environment };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
