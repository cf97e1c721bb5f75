import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCliFolder } from '../helpers/run-cli.ts';
import { candidates } from '../backends/candidates.ts';
import { candidateLines, realVllm, vllmOptions } from './real-engines.ts';

// What must be shown of the openai backend, on a `vllm serve` of the same Python.

const maxMs = 240_000;
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  if (realVllm === null) return;
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const { python, model, environment } = realVllm;
  const options = Object.entries(vllmOptions).flatMap(([name, value]) => {
    const flag = `--${name.replaceAll('_', '-')}`;
    return value === true ? [flag] : [flag, String(value)];
  });
  const served = ['--served-model-name', 'tiny-scorer', '--host', '127.0.0.1', '--port', String(port)];
  server = spawn(join(dirname(python), 'vllm'), ['serve', model, ...served, ...options], {
    env: { ...process.env, ...environment, VLLM_NO_USAGE_STATS: '1' },
    stdio: 'ignore',
    detached: true,
  });
  while (!(await isHealthy())) {
    if (server.exitCode !== null) throw new Error(`vllm serve ended with code ${server.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}, maxMs);

afterAll(() => {
  if (realVllm === null) return;
  try {
    process.kill(-server.pid!, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
});

describe.skipIf(realVllm === null)('a real `vllm serve` (LLMBATCH_PYTHON, LLMBATCH_TEST_VLLM_MODEL)', () => {
  test.each(['auto', '1000'])(
    'answers 5,000 of 5,000 right with --workers %s, and is healthy after',
    async (workers) => {
      const folder = await createCliFolder();
      const lines = Array.from({ length: 10 }, (_, copy) =>
        candidateLines().map((line) => {
          const { custom_id: id, ...others } = JSON.parse(line) as { custom_id: string };
          return JSON.stringify({ custom_id: `${id}.${copy}`, ...others });
        }),
      ).flat();
      await folder.write('in.jsonl', `${lines.join('\n')}\n`);
      const flags = ['-b', 'openai', '--base-url', `${url}/v1`, '-m', 'tiny-scorer', '--workers', workers];
      const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', ...flags, '--progress', 'none']);
      expect(exitCode, stderr).toBe(0);
      const results = await folder.results('in.results.jsonl');
      const wrong = results.filter(({ custom_id: id, response }) => {
        const expected = candidates.find(({ request }) => id.replace(/\.\d$/, '') === request.id)?.answer;
        return response?.body.choices?.[0]?.message?.content !== expected;
      });
      expect([results.length, wrong.length, await isHealthy()]).toEqual([5000, 0, true]);
    },
    maxMs,
  );
});

const isHealthy = (): Promise<boolean> =>
  fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
