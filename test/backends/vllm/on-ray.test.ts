import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Backend, OpenRequest } from '../../../src/core/backend.ts';
import type { BatchRequest } from '../../../src/core/request.ts';
import {
  fakeVllm,
  type FakeVllm,
  markedProcesses,
  openSharedVllm,
  type OpenedVllm,
  untilNoneIsLeft,
} from '../../helpers/fake-vllm.ts';
import { createCliFolder } from '../../helpers/run-cli.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { waitUntil } from '../../helpers/wait.ts';
import { candidates } from '../candidates.ts';
import { ask, question, say } from './asking.ts';

// The driver and its actors on the fake `ray` package (test/fake-ray), which is one machine; test/real-backends has a real one.

const fakeRay = fileURLToPath(new URL('../../fake-ray', import.meta.url));

interface Asked {
  connection?: Record<string, unknown>;
  options?: Record<string, unknown>;
  changes?: Partial<OpenRequest>;
  variables?: Record<string, string>;
}

async function openOnRay(
  fake: FakeVllm = {},
  { connection = {}, options = {}, changes = {}, variables = {} }: Asked = {},
): Promise<OpenedVllm> {
  const { environment, mark } = fakeVllm({ before: fakeRay, ...fake });
  const opened = await openSharedVllm(fake, {
    connection: { ray: 'auto', ...connection },
    options,
    ...changes,
    environment: { ...environment, ...variables },
  });
  onTestFinished(() => opened.backend.close());
  return { ...opened, mark };
}

/** The processes of one kind, by their command line: the driver, the actors, the workers. */
async function processesOf(mark: string, kind: RegExp): Promise<number[]> {
  const pids = await markedProcesses(mark);
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => kind.test(commands[index]!));
}

const kinds = { driver: /ray_driver\.py\0$/, actor: /actor_process\.py/, worker: /worker\.py/ };

const isEach = (states: string[]): boolean => states.every((state) => ['completed', 'engine-crashed'].includes(state));

async function askAll(backend: Backend): Promise<string[]> {
  const answers = await Promise.all(candidates.slice(0, 200).map(({ request }) => ask(backend, request)));
  return answers.map((answer) => (answer.status === 'failed' ? answer.kind : 'completed'));
}

const recover = (backend: Backend): Promise<string> =>
  backend.supervision!.recover!(
    { status: 'failed', kind: 'engine-crashed', message: '' },
    new AbortController().signal,
  );

const up = ({ loads }: OpenedVllm): number => loads.at(-1)?.replicas?.up ?? 0;

describe('a cluster', () => {
  test('has an engine on each GPU, which answer together, and leaves nothing behind', async () => {
    const opened = await openOnRay();
    const { backend, notices, mark } = opened;
    expect(notices).toContain('vllm: Ray 2.60.0, 2 nodes, 2 of 2 GPUs free: asking for 2 replicas');
    expect(backend.limits).toMatchObject({ slots: 512, suggestedWorkers: 1024 });
    await waitUntil(() => up(opened) === 2);
    const systems = Array.from({ length: 40 }, (_, index) => ['a', 'b'][index % 2]!);
    const shown = await Promise.all(
      systems.map(async (content) => {
        const show = question('Show the engine.');
        const messages = [{ role: 'system', content }, ...(show.body.messages ?? [])];
        return JSON.parse(await say(backend, { ...show, body: { ...show.body, messages } })) as { gpus: string };
      }),
    );
    expect(new Set(shown.map(({ gpus }) => gpus))).toEqual(new Set(['0', '1']));
    const right = await Promise.all(candidates.slice(0, 200).map(({ request }) => say(backend, request)));
    expect(right).toEqual(candidates.slice(0, 200).map(({ answer }) => answer));
    await backend.close();
    await untilNoneIsLeft(mark);
  });

  test('begins with the first replica, while others wait for a GPU', async () => {
    const opened = await openOnRay({}, { connection: { replicas: '1-5' } });
    await waitUntil(() => up(opened) === 2);
    expect(opened.loads.at(-1)?.replicas).toEqual({ up: 2, pending: 3, lost: 0 });
    expect(new Set(await askAll(opened.backend))).toEqual(new Set(['completed']));
    // The GPU of one that is lost goes to one that waits.
    process.kill((await processesOf(opened.mark, kinds.actor))[0]!, 'SIGKILL');
    await waitUntil(() => opened.loads.some(({ replicas }) => replicas?.lost === 1));
    await waitUntil(() => up(opened) === 2);
    expect(opened.loads.at(-1)?.replicas).toEqual({ up: 2, pending: 2, lost: 1 });
  });

  test('waits for as many as are wanted before the first request', async () => {
    const opened = await openOnRay({}, { connection: { replicas: '2-3' } });
    expect(up(opened)).toBe(2);
  });
});

test('a replica has as many GPUs of one node as the model is spread over', async () => {
  const opened = await openOnRay({}, { options: { tensor_parallel_size: 2 }, variables: { FAKE_RAY_GPUS: '2' } });
  const { backend, notices } = opened;
  expect(notices).toContain('vllm: Ray 2.60.0, 2 nodes, 4 of 4 GPUs free: asking for 2 replicas of 2 GPUs');
  await waitUntil(() => up(opened) === 2);
  const shown = await Promise.all(Array.from({ length: 40 }, () => say(backend, question('Show the engine.'))));
  const gpus = shown.map((text) => (JSON.parse(text) as { gpus: string }).gpus);
  expect(new Set(gpus)).toEqual(new Set(['0,1', '2,3']));
});

describe('a process of a cluster that is killed', () => {
  test.each(['worker', 'actor', 'driver'] as const)('is started again: the %s', async (kind) => {
    const opened = await openOnRay({ stepMs: 100 });
    const { backend, mark, restarts } = opened;
    await waitUntil(() => up(opened) === 2);
    const asked = askAll(backend);
    await waitUntil(() => opened.loads.some(({ running }) => running > 0));
    process.kill((await processesOf(mark, kinds[kind]))[0]!, 'SIGKILL');
    const states = await asked;
    expect([isEach(states), states.includes('engine-crashed')]).toEqual([true, true]);
    expect(states.includes('completed')).toBe(kind !== 'driver');
    expect(await recover(backend)).toBe(kind === 'driver' ? 'away' : 'partly');
    await waitUntil(() => up(opened) === 2);
    expect(restarts).toHaveLength(1);
    expect(restarts[0]).toMatch(
      {
        worker: /^The vllm process on fake-node-\d was ended by SIGKILL/,
        actor: /^The vllm process on fake-node-\d was lost with its Ray actor: The actor died unexpectedly before/,
        driver: /^The Ray driver process was ended by SIGKILL/,
      }[kind],
    );
    expect(new Set(await askAll(backend))).toEqual(new Set(['completed']));
    await backend.close();
    await untilNoneIsLeft(mark);
  });

  test('and finds no cluster when it is started again ends the run, which is told once: the driver', async () => {
    const lost = join(await scratchFolder(), 'lost');
    const opened = await openOnRay({ stepMs: 100 }, { variables: { FAKE_RAY_LOST: lost } });
    const { backend, mark, restarts, notices } = opened;
    await waitUntil(() => up(opened) === 2);
    const before = notices.length;
    await writeFile(lost, '');
    process.kill((await processesOf(mark, kinds.driver))[0]!, 'SIGKILL');
    await untilNoneIsLeft(mark);
    const why = {
      kind: 'unusable',
      message: 'The run has lost its Ray cluster. There is no Ray cluster on this machine.',
    };
    await expect(recover(backend)).rejects.toMatchObject(why);
    expect(await ask(backend, question('a'))).toMatchObject(why);
    expect([restarts, notices.slice(before)]).toEqual([[], []]);
  });

  test('and can not be started again ends the run', async () => {
    const opened = await openOnRay({ fault: 'crash:1' });
    const kindsSeen: string[] = [];
    while (!kindsSeen.includes('unusable')) {
      const answer = await ask(opened.backend, { ...question('a'), id: `request ${kindsSeen.length}` });
      kindsSeen.push(answer.status === 'failed' ? answer.kind : 'completed');
    }
    expect(kindsSeen.filter((kind) => kind === 'engine-crashed').length).toBeGreaterThanOrEqual(5);
    await expect(recover(opened.backend)).rejects.toMatchObject({ kind: 'unusable' });
  });
});

test('a replica that hangs is started again, while the other works', async () => {
  const once = join(await scratchFolder(), 'happened');
  const changes = { stallTimeoutMs: 1500 };
  const opened = await openOnRay({ stepMs: 20, fault: 'hang:30', once }, { changes });
  await waitUntil(() => up(opened) === 2);
  const states = await askAll(opened.backend);
  expect(states.includes('engine-crashed')).toBe(true);
  await waitUntil(() => up(opened) === 2);
  expect(opened.restarts[0]).toMatch(/^The vllm process gave no sign of life and was ended/);
});

test('actors whose driver asks nothing for 30 seconds end their workers and themselves, and are started again', async () => {
  const folder = await scratchFolder();
  const clock = join(folder, 'clock');
  const putAhead = async (seconds: number): Promise<void> => {
    await writeFile(join(folder, 'next'), String(seconds));
    await rename(join(folder, 'next'), clock);
  };
  await putAhead(0);
  const opened = await openOnRay({}, { connection: { replicas: '2-2' }, variables: { FAKE_RAY_CLOCK: clock } });
  const { backend, mark, restarts } = opened;
  // A driver that asks keeps them, however long.
  for (let seconds = 0; seconds <= 60; seconds += 5) {
    await putAhead(seconds);
    expect(await say(backend, question('still there?'))).toBe('still there?');
  }
  const [driver] = await processesOf(mark, kinds.driver);
  process.kill(driver!, 'SIGSTOP');
  await putAhead(100);
  await waitUntil(async () => (await processesOf(mark, /actor_process|worker\.py/)).length === 0);
  process.kill(driver!, 'SIGCONT');
  await waitUntil(() => restarts.length === 2 && up(opened) === 2);
  for (const restart of restarts)
    expect(restart).toMatch(/^The vllm process on fake-node-\d was lost with its Ray actor/);
  expect(await say(backend, question('again?'))).toBe('again?');
});

test('a replica that runs out of memory is started again with half of the sequences', async () => {
  const opened = await openOnRay({ fault: 'oom:40' }, { connection: { replicas: '1' }, options: { max_num_seqs: 64 } });
  expect(await askAll(opened.backend)).toContain('out-of-memory');
  await recover(opened.backend);
  expect(new Set(await askAll(opened.backend))).toEqual(new Set(['completed']));
  expect(opened.restarts).toEqual(['The engine ran out of memory.']);
});

test('a request that kills its engine is found, and fails alone', async () => {
  const folder = await createCliFolder();
  const { environment } = fakeVllm({ before: fakeRay, stepMs: 5, fault: 'poison' });
  const line = ({ id, body }: BatchRequest): string => JSON.stringify({ custom_id: id, body });
  const poison = line({ ...question('poison'), id: 'the culprit' });
  const lines = candidates.slice(0, 100).map(({ request }) => line(request));
  await folder.write('in.jsonl', [...lines.slice(0, 50), poison, ...lines.slice(50)].join('\n'));
  const args = ['run', 'in.jsonl', '-b', 'vllm', '-m', 'fake/x', '--ray', 'auto', '--progress', 'none'];
  const { exitCode } = await folder.run([...args, '--option', 'max_num_seqs=4'], { environment });
  expect(exitCode).toBe(3);
  const failed = (await folder.results('in.results.jsonl')).filter(({ error }) => error !== null);
  expect(failed).toMatchObject([{ custom_id: 'the culprit', error: { code: 'bad-request' } }]);
});

test('doctor shows the cluster, and proposes a run on it; such a run needs no vLLM here, and no -b', async () => {
  const folder = await createCliFolder();
  const { environment } = fakeVllm({ before: fakeRay });
  const { stdout, exitCode } = await folder.run(['doctor', '--ray', 'auto', '--no-probe'], { environment });
  expect(stdout).toMatch(/^ray +Ray 2\.60\.0, 2 nodes, 2 of 2 GPUs free \(auto\)$/m);
  expect(stdout).toContain('Ready: vllm. Try:\nllmbatch run questions.jsonl -m google/gemma-3-4b-it --ray auto\n');
  expect(exitCode).toBe(0);
  await folder.write('in.jsonl', '{"prompt": "Hi"}');
  const args = ['run', 'in.jsonl', '-m', '/on/the/nodes', '--ray', 'auto', '--dry-run'];
  expect((await folder.run(args, { environment: { PYTHONPATH: '' } })).stdout).toMatch(/^backend +vllm \(/m);
});

describe('what can not be used is said in a sentence before anything starts', () => {
  const mismatch = 'Version mismatch: The cluster was started with: Ray: 2.59.0';
  test.each([
    ['no Ray', { FAKE_RAY_ABSENT: '1' }, /^Ray is not installed for /],
    ['an old Ray', { FAKE_RAY_VERSION: '2.39.0' }, /^Ray 2\.39\.0 is too old: llmbatch wants 2\.40\.0 or newer/],
    ['another Ray', { FAKE_RAY_FAULT: mismatch }, /^The Ray cluster is of another version: .*2\.59\.0/],
    ['no cluster', { FAKE_RAY_FAULT: 'Could not find any running Ray instance' }, /^There is no Ray cluster on this/],
    ['another cluster', { FAKE_RAY_FAULT: 'Failed to connect to Ray cluster at h:1' }, /^The Ray cluster .* at h:1\.$/],
    ['no GPU', { FAKE_RAY_NODES: '0' }, /^No node of the Ray cluster has a GPU/],
  ])('%s', async (_what, variables: Record<string, string>, message) => {
    await expect(openOnRay({}, { variables })).rejects.toMatchObject({
      kind: 'unusable',
      message: expect.stringMatching(message) as string,
    });
  });

  test('no server at the address', async () => {
    const opening = openOnRay({}, { connection: { ray: '127.0.0.1:9' } });
    await expect(opening).rejects.toThrow(/^There is no Ray cluster at 127\.0\.0\.1:9: .*refused\.$/);
  });

  test('an engine that would ask Ray for GPUs itself', async () => {
    const opening = openOnRay({}, { options: { distributed_executor_backend: 'ray' } });
    await expect(opening).rejects.toThrow(
      '--option distributed_executor_backend=ray is for one engine over several nodes',
    );
  });

  test('a model over several nodes', async () => {
    const opening = openOnRay({}, { options: { tensor_parallel_size: 2 } });
    await expect(opening).rejects.toThrow('a replica needs 2 GPUs on one node, and the largest of the cluster has 1');
  });
});
