import { execFileSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { BenchRecord } from '../../src/bench/records/records.ts';
import { candidates } from '../backends/candidates.ts';
import { type FakeVllm, childOf, fakeModel, fakeVllm, markedProcesses, untilNoneIsLeft } from '../helpers/fake-vllm.ts';
import {
  type CliFolder,
  type CliOutcome,
  type CliProcess,
  countLines,
  createCliFolder,
  until,
} from '../helpers/run-cli.ts';
import { judgeCandidates } from '../helpers/judge-candidates.ts';

const output = 'in.results.jsonl';
const flags = ['in.jsonl', '-b', 'vllm', '-m', fakeModel, '--progress', 'none'];

interface Setting extends CliFolder {
  mark: string;
  /** `llmbatch run in.jsonl` on the fake, or another command. */
  vllm: (args?: string[], fake?: FakeVllm) => Promise<CliOutcome>;
  startVllm: (args?: string[]) => CliProcess;
  /** Results by their state: right, or the codes of failures. Fails where an answer is wrong, or there are two for one line. */
  judged: () => Promise<Record<string, number>>;
}

const lineOf = (index: number): string => {
  const { id, body } = candidates[index]!.request;
  return JSON.stringify({ custom_id: id, body });
};

/** A folder with so many candidates, and an engine that knows the answers. */
async function setUp(count: number, fake: FakeVllm = {}): Promise<Setting> {
  const folder = await createCliFolder();
  const { environment, mark } = fakeVllm(fake);
  const lines = Array.from({ length: count }, (_, index) => lineOf(index));
  await folder.write('in.jsonl', `${lines.join('\n')}\n`);
  return {
    ...folder,
    mark,
    vllm: (args = ['run', ...flags], other = fake) =>
      folder.run(args, { environment: { ...fakeVllm(other).environment, FAKE_VLLM_MARK: mark } }),
    startVllm: (args = ['run', ...flags]) => folder.start(args, { environment }),
    judged: () => judgeCandidates(folder, count),
  };
}

/** The worker: what has the mark and is a child of the program. */
async function workerOf({ child }: CliProcess, mark: string): Promise<number> {
  for (const pid of await markedProcesses(mark)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    if (status.includes(`\nPPid:\t${child.pid}\n`)) return pid;
  }
  throw new Error('there is no worker');
}

const resume = ['resume', '--progress', 'none'];

test.each(['cpu', 'cuda'] as const)(
  'a trial of a bench finds no prompts in the cache that the one before it left (%s)',
  async (platform) => {
    const { vllm, text } = await setUp(100, { platform });
    const trials = ['--workers', '8', '--sizes', '100', '--repeat', '3', '-o', 'b'];
    const { exitCode, stderr } = await vllm(['bench', ...flags, ...trials, '--option', 'block_size=8']);
    expect(exitCode, stderr).toBe(0);
    const records = (await text('b/trials.jsonl')).trim().split('\n');
    const cached = records.flatMap((line) => {
      const record = JSON.parse(line) as BenchRecord;
      return record.type === 'trial' ? [record.summary.tokens.cached ?? 0] : [];
    });
    expect(cached).toHaveLength(3);
    expect(new Set(cached).size).toBe(1);
  },
);

describe('a run on vLLM', () => {
  test.each(['cpu', 'cuda'] as const)('answers 500 of 500 right, and leaves no process (%s)', async (platform) => {
    const { vllm, judged, mark } = await setUp(500, { platform });
    const { exitCode, stderr } = await vllm(['run', ...flags, '-v']);
    expect([exitCode, await judged(), await markedProcesses(mark)]).toEqual([0, { right: 500 }, []]);
    expect(stderr).toContain('vllm 0.32.0: 256 sequences at once');
  });

  test('fails one malformed line, one that is too long, and one with an unknown key, and no other', async () => {
    const { vllm, judged, write, text } = await setUp(500);
    const lines = (await text('in.jsonl')).trim().split('\n');
    const bodyOf = (index: number): { messages: { content: string }[] } =>
      (JSON.parse(lines[index]!) as { body: { messages: { content: string }[] } }).body;
    const id = (index: number): string => candidates[index]!.request.id;
    lines[99] = lines[99]!.slice(0, -5);
    const long = bodyOf(199);
    long.messages[1]!.content += ' and more of it'.repeat(500);
    lines[199] = JSON.stringify({ custom_id: id(199), body: long });
    lines[299] = JSON.stringify({ custom_id: id(299), body: { ...bodyOf(299), wibble: true } });
    await write('in.jsonl', `${lines.join('\n')}\n`);
    const { exitCode } = await vllm();
    expect([exitCode, await judged()]).toEqual([3, { right: 497, input: 1, 'context-too-long': 1, 'bad-request': 1 }]);
    expect(await text(output)).toMatch(/The prompt has 7,\d\d\d tokens, and the context window 4,096/);
  });

  test('with results on stdout keeps them clean of all that is printed', async () => {
    const { vllm } = await setUp(100, { platform: 'cuda', fault: 'noise,noise-at:50' });
    const { exitCode, stdout } = await vllm(['run', ...flags, '-o', '-']);
    expect(exitCode).toBe(0);
    const lines = stdout.trim().split('\n');
    const ids = lines.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id);
    expect(new Set(ids)).toEqual(new Set(candidates.slice(0, 100).map(({ request }) => request.id)));
    expect(lines).toHaveLength(100);
  });

  test('writes the log of the engine beside the results', async () => {
    const { vllm, everything } = await setUp(5, { platform: 'cuda' });
    await vllm();
    const logs = (await everything()).filter(([, text]) => text.includes('Starting to load model'));
    expect(logs.map(([path]) => path)).toEqual([expect.stringMatching(/\/work\/in\.results[^/]*log$/)]);
  });

  test('finds a model by its folder or id where there is vLLM', async () => {
    const { vllm, judged } = await setUp(10);
    const { exitCode, stderr } = await vllm(['run', 'in.jsonl', '-m', fakeModel, '--progress', 'none', '-v']);
    expect([exitCode, await judged()]).toEqual([0, { right: 10 }]);
    expect(stderr).toContain('backend: vllm');
  });

  test('serves a model and its adapter with one load', async () => {
    const { vllm, write, results, at } = await setUp(0);
    await mkdir(at('adapter'));
    const models = [fakeModel, 'polite'];
    const lines = Array.from({ length: 40 }, (_, index) => ({
      id: index,
      model: models[index % 2],
      prompt: `hello ${index}`,
    }));
    await write('in.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const adapters = ['--option', 'enable_lora=true', '--option', `lora_modules=polite=${at('adapter')}`];
    const { exitCode, stderr } = await vllm(['run', 'in.jsonl', '-b', 'vllm', ...adapters, '--progress', 'none']);
    expect([exitCode, stderr.match(/vllm: starting/g)]).toEqual([0, ['vllm: starting']]);
    const said = (await results(output)).map(({ response }) => response?.body.choices?.[0]?.message?.content);
    expect(said).toEqual(lines.map(({ id }) => `${id % 2 === 1 ? 'polite: ' : ''}hello ${id}`));
  });

  test('keeps the histories of a conversation apart', async () => {
    const { vllm, write, results } = await setUp(0);
    const script = fileURLToPath(new URL('../../scripts/make-candidates.mjs', import.meta.url));
    const made = execFileSync(process.execPath, [script, '--count', '60', '--systems', '1'], { encoding: 'utf8' });
    await write('in.jsonl', made);
    const { exitCode } = await vllm(['run', ...flags, '--mode', 'conversation', '--workers', '3']);
    expect(exitCode).toBe(0);
    const expected = made
      .trim()
      .split('\n')
      .map((line) => JSON.stringify((JSON.parse(line) as { expected: unknown }).expected));
    const found = await results(output);
    expect(found.map(({ response }) => response?.body.choices?.[0]?.message?.content)).toEqual(expected);
    const cached = found.map(({ response }) => response?.body.usage?.prompt_tokens_details?.cached_tokens ?? 0);
    expect(Math.max(...cached)).toBeGreaterThan(200);
  });

  test('shows what the engine does while it runs', async () => {
    const { vllm } = await setUp(40, { stepMs: 60 });
    const args = ['run', 'in.jsonl', '-b', 'vllm', '-m', fakeModel, '--option', 'max_num_seqs=8', '--progress', 'json'];
    const { exitCode, stderr } = await vllm(args);
    const frames = stderr.split('\n').filter((line) => line.startsWith('{'));
    expect([exitCode, frames.some((line) => /"running":[1-8]\b/.test(line))]).toEqual([0, true]);
  });
});

describe('a run on vLLM heals', () => {
  test.each(['cpu', 'cuda'] as const)('when the worker is killed with -9 in the middle (%s)', async (platform) => {
    const { startVllm, at, judged, mark } = await setUp(400, { platform, stepMs: 6 });
    const running = startVllm(['run', ...flags, '--option', 'max_num_seqs=32']);
    await until(async () => (await countLines(at(output))) > 50);
    process.kill(await workerOf(running, mark), 'SIGKILL');
    const { exitCode, stderr } = await running.outcome;
    expect([exitCode, await judged(), await markedProcesses(mark)]).toEqual([0, { right: 400 }, []]);
    expect(stderr).toContain('SIGKILL');
  });

  test('when the core of the engine is killed with -9 in the middle', async () => {
    const { startVllm, at, judged, mark } = await setUp(400, { platform: 'cuda', stepMs: 6 });
    const running = startVllm(['run', ...flags, '--option', 'max_num_seqs=32']);
    await until(async () => (await countLines(at(output))) > 50);
    process.kill(await childOf(await workerOf(running, mark), mark), 'SIGKILL');
    const { exitCode } = await running.outcome;
    expect([exitCode, await judged(), await markedProcesses(mark)]).toEqual([0, { right: 400 }, []]);
  });

  test('when the engine hangs', async () => {
    const { vllm, judged, at, mark } = await setUp(200);
    const { exitCode, stderr } = await vllm(['run', ...flags, '--stall-timeout', '1s'], {
      platform: 'cuda',
      fault: 'hang:150',
      once: at('hung'),
    });
    expect([exitCode, await judged(), await markedProcesses(mark)]).toEqual([0, { right: 200 }, []]);
    expect(stderr).toContain('no sign of life');
  });

  test('when the memory does not hold as many sequences as it was told', async () => {
    const { vllm, judged } = await setUp(200, { platform: 'cuda', fault: 'oom:20' });
    const { exitCode, stderr } = await vllm(['run', ...flags, '--option', 'max_num_seqs=64']);
    expect([exitCode, await judged()]).toEqual([0, { right: 200 }]);
    expect(stderr).toContain('ran out of memory');
  });

  test.each(['cpu', 'cuda'] as const)(
    'from a request that brings the engine down, which fails alone (%s)',
    async (platform) => {
      const { vllm, judged, write, text, mark } = await setUp(200, { platform });
      await write('in.jsonl', (await text('in.jsonl')).replace('Candidate: ', 'Candidate: poison '));
      const { exitCode } = await vllm();
      expect([exitCode, await judged(), await markedProcesses(mark)]).toEqual([
        3,
        { right: 199, 'bad-request': 1 },
        [],
      ]);
    },
  );

  test('when one of two engines dies', async () => {
    const { startVllm, at, judged, mark } = await setUp(400, { platform: 'cuda', stepMs: 6 });
    const running = startVllm(['run', ...flags, '--gpus', '0,1', '--option', 'max_num_seqs=16']);
    await until(async () => (await countLines(at(output))) > 50);
    process.kill(await workerOf(running, mark), 'SIGKILL');
    const { exitCode } = await running.outcome;
    expect([exitCode, await judged(), await markedProcesses(mark)]).toEqual([0, { right: 400 }, []]);
  });
});

describe('no process is left, and a resume goes on', () => {
  test.each(['cpu', 'cuda'] as const)('when the program is killed with -9 (%s)', async (platform) => {
    const { startVllm, vllm, at, judged, mark } = await setUp(400, { platform, stepMs: 6 });
    const running = startVllm(['run', ...flags, '--option', 'max_num_seqs=32']);
    await until(async () => (await countLines(at(output))) > 50);
    running.child.kill('SIGKILL');
    await untilNoneIsLeft(mark);
    const { exitCode } = await vllm(resume);
    expect([exitCode, await judged()]).toEqual([0, { right: 400 }]);
  });

  test('when the program and the worker are killed with -9 together, on two GPUs', async () => {
    const { startVllm, at, mark } = await setUp(400, { platform: 'cuda', stepMs: 6 });
    const running = startVllm(['run', ...flags, '--option', 'max_num_seqs=32', '--option', 'tensor_parallel_size=2']);
    await until(async () => (await countLines(at(output))) > 50);
    const worker = await workerOf(running, mark);
    running.child.kill('SIGKILL');
    process.kill(worker, 'SIGKILL');
    await untilNoneIsLeft(mark);
  });

  test.each(['hang-at-load', 'hang:1'])(
    'when the program is killed with -9 while the engine hangs (%s)',
    async (fault) => {
      const { startVllm, mark } = await setUp(10, { platform: 'cuda', fault });
      const running = startVllm();
      await until(async () => (await markedProcesses(mark)).length >= 3);
      await new Promise((resolve) => void setTimeout(resolve, 500));
      running.child.kill('SIGKILL');
      await untilNoneIsLeft(mark);
    },
  );

  test('when the program is killed with -9 as soon as the engine has a process of its own', async () => {
    const { startVllm, mark } = await setUp(10, { platform: 'cuda', fault: 'hang-at-load' });
    const running = startVllm();
    await until(async () => (await markedProcesses(mark)).length >= 3);
    running.child.kill('SIGKILL');
    await untilNoneIsLeft(mark);
  });

  test('after a SIGTERM', async () => {
    const { startVllm, vllm, at, judged, mark } = await setUp(400, { platform: 'cuda', stepMs: 6 });
    const running = startVllm(['run', ...flags, '--option', 'max_num_seqs=32']);
    await until(async () => (await countLines(at(output))) > 50);
    running.child.kill('SIGTERM');
    expect([(await running.outcome).exitCode, await markedProcesses(mark)]).toEqual([143, []]);
    expect([(await vllm(resume)).exitCode, await judged()]).toEqual([0, { right: 400 }]);
  });

  test('after a Ctrl-C', async () => {
    const { startVllm, vllm, at, judged, mark } = await setUp(400, { platform: 'cuda', stepMs: 6 });
    const running = startVllm(['run', ...flags, '--option', 'max_num_seqs=32']);
    await until(async () => (await countLines(at(output))) > 50);
    running.child.kill('SIGINT');
    const { exitCode, stderr } = await running.outcome;
    expect([exitCode, await markedProcesses(mark)]).toEqual([130, []]);
    expect(stderr).toContain('llmbatch resume');
    const before = await countLines(at(output));
    expect([(await vllm(resume)).exitCode, await judged(), before < 400]).toEqual([0, { right: 400 }, true]);
  });

  test('after a Ctrl-C while the model is loaded', async () => {
    const { startVllm, mark } = await setUp(10, { platform: 'cuda', fault: 'hang-at-load' });
    const running = startVllm();
    await until(async () => (await markedProcesses(mark)).length >= 3);
    running.child.kill('SIGINT');
    expect([(await running.outcome).exitCode, await markedProcesses(mark)]).toEqual([130, []]);
  });
});

describe('what is not there is told in a sentence', () => {
  test('a Python', async () => {
    const { vllm } = await setUp(5);
    const { exitCode, stderr } = await vllm(['run', ...flags, '--python', '/no/such/python']);
    expect(exitCode).toBe(4);
    expect(stderr).toContain('There is no Python /no/such/python.');
    expect(stderr).toContain("pip install 'vllm>=0.11.1'");
  });

  test('vLLM', async () => {
    const { run } = await setUp(5);
    const { exitCode, stderr } = await run(['run', ...flags]);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/vLLM is not installed for \S*python3/);
    expect(stderr).toMatch(/-m pip install 'vllm>=0\.11\.1'/);
  });

  test('an option', async () => {
    const { vllm } = await setUp(5);
    const { exitCode, stderr } = await vllm(['run', ...flags, '--option', 'max_model_length=5']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('vllm has no option "max_model_length"');
    expect(stderr).toContain('Did you mean max_model_len?');
  });

  test('the model, and an engine that dies at every start of its work: exit 4, resumable', async () => {
    const { vllm, judged } = await setUp(20);
    expect(await vllm(['run', ...flags], { fault: 'not-found' })).toMatchObject({ exitCode: 4 });
    const { exitCode, stderr } = await vllm(resume, { fault: 'crash:1' });
    expect(exitCode).toBe(4);
    expect(stderr).toContain('5 crashes without one answer between them');
    expect([(await vllm(resume)).exitCode, await judged()]).toEqual([0, { right: 20 }]);
  });
});
