import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { allProcesses, type FoundProcess } from './engine-processes.ts';

/** A Ray cluster on this machine, each node of which is a raylet with one GPU by its own word. */
export interface RayNodes {
  /** Of its head. */
  address: string;
  /** Variables with which programs come in: the cluster wants a token. */
  environment: Record<string, string>;
  /** The actors on its nodes, and the workers that they started: others may have a cluster on this machine too. */
  processes: () => FoundProcess[];
}

/** Does this Python have Ray? */
export const hasRay = (python: string): boolean => spawnSync(python, ['-c', 'import ray']).status === 0;

/** Starts a head and a second node, which end with the test. `ray stop` would end every Ray process of the machine. */
export async function startRayNodes(python: string, variables: Record<string, string>): Promise<RayNodes> {
  const environment = { RAY_AUTH_MODE: 'token', RAY_AUTH_TOKEN: '0123456789abcdef'.repeat(2) };
  // Actors put the worker's program there.
  const temporary = await scratchFolder();
  const groups: number[] = [];
  const port = await freePort();
  const start = async (...args: string[]): Promise<void> => {
    const common = ['--num-cpus=2', '--num-gpus=1', '--object-store-memory=100000000', '--disable-usage-stats'];
    const child = spawn(join(dirname(python), 'ray'), ['start', ...args, '--node-ip-address=127.0.0.1', ...common], {
      env: { ...process.env, ...variables, ...environment, TMPDIR: temporary },
      detached: true,
      stdio: 'ignore',
    });
    // What it leaves is in its group.
    groups.push(child.pid!);
    onTestFinished(() => void process.kill(-child.pid!, 'SIGKILL'));
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`ray start ended with code ${code}`);
  };
  await start('--head', `--port=${port}`, '--include-dashboard=false', `--temp-dir=${await scratchFolder()}`);
  await start(`--address=127.0.0.1:${port}`);
  return {
    address: `127.0.0.1:${port}`,
    environment,
    processes: () => {
      const all = allProcesses();
      const ours = new Set(all.filter(({ group }) => groups.includes(group)).map(({ pid }) => pid));
      const isActor = ({ command, parent }: (typeof all)[number]): boolean =>
        command.startsWith('ray::Shell') && ours.has(parent);
      return all.filter((found) => isActor(found) || found.command.includes(`${temporary}/llmbatch-`));
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
