import { expect, test } from 'vitest';
import { candidates } from '../backends/candidates.ts';
import { createCliFolder } from '../helpers/run-cli.ts';
import { waitUntil } from '../helpers/wait.ts';
import { allProcesses } from './engine-processes.ts';
import { hasRay, startRayNodes } from './ray-nodes.ts';
import { candidateLines, realVllm } from './real-engines.ts';

// A real vLLM on each of two raylets (LLMBATCH_PYTHON has Ray too). test/backends/vllm/on-ray.test.ts has more, on a fake Ray.

const isHere = realVllm !== null && hasRay(realVllm.python);

test.skipIf(!isHere)('a run on a Ray cluster heals when an actor is killed by -9, and leaves nothing', async () => {
  const { python, flags, environment } = realVllm!;
  const nodes = await startRayNodes(python, environment);
  const folder = await createCliFolder();
  const lines = candidateLines().flatMap((line) => {
    const { custom_id: id, ...others } = JSON.parse(line) as { custom_id: string };
    return [0, 1, 2, 3].map((copy) => JSON.stringify({ custom_id: `${id}.${copy}`, ...others }));
  });
  await folder.write('in.jsonl', `${lines.join('\n')}\n`);
  const running = folder.start(
    ['run', 'in.jsonl', ...flags, '--ray', nodes.address, '--replicas', '2-2', '--progress', 'plain'],
    { environment: { ...environment, ...nodes.environment } },
  );
  await waitUntil(() => / [1-9]\d\d\/2,000 /.test(running.stderr()));
  const actor = nodes.processes().find(({ command }) => command.startsWith('ray::Shell'));
  const driver = allProcesses().find(
    ({ command, parent }) => command.includes('ray_driver.py') && parent === running.child.pid,
  );
  expect(driver).toBeDefined();
  process.kill(actor!.pid, 'SIGKILL');
  const { exitCode, stderr } = await running.outcome;
  expect(exitCode).toBe(0);
  expect(stderr).toContain('was lost with its Ray actor');
  const results = await folder.results('in.results.jsonl');
  const answers = new Map(
    results.map(({ custom_id: id, response }) => [id, response?.body.choices?.[0]?.message?.content]),
  );
  expect(answers.size).toBe(2000);
  for (const { request, answer } of candidates)
    expect([0, 1, 2, 3].map((copy) => answers.get(`${request.id}.${copy}`))).toEqual([answer, answer, answer, answer]);
  await waitUntil(() => nodes.processes().length === 0 && !allProcesses().some(({ pid }) => pid === driver!.pid));
});
