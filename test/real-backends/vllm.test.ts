import { copyFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { candidates } from '../backends/candidates.ts';
import { type CliFolder, type CliOutcome, createCliFolder } from '../helpers/run-cli.ts';
import { candidateLines, candidatesFile, realVllm } from './real-engines.ts';
import { engineProcesses, untilNoProcess } from './engine-processes.ts';

// What must be shown of the vllm backend, on a real vLLM (LLMBATCH_PYTHON, LLMBATCH_TEST_VLLM_MODEL).

const maxMs = 180_000;

interface Setting extends CliFolder {
  args: string[];
  environment: Record<string, string>;
  vllm: (changes?: Record<string, string>) => Promise<CliOutcome>;
}

async function setUp(lines: string[] = candidateLines()): Promise<Setting> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', `${lines.join('\n')}\n`);
  const { flags, environment } = realVllm!;
  const args = ['run', 'in.jsonl', ...flags, '--progress', 'plain'];
  return {
    ...folder,
    args,
    environment,
    vllm: (changes) => folder.run(args, { environment: { ...environment, ...changes } }),
  };
}

/** Six times the candidates, each under an id of its own. */
const many = (): string[] =>
  Array.from({ length: 6 }, (_, copy) =>
    candidateLines().map((line) => {
      const { custom_id: id, ...others } = JSON.parse(line) as { custom_id: string };
      return JSON.stringify({ custom_id: `${id}.${copy}`, ...others });
    }),
  ).flat();

/** How many answers are right; fails where one is wrong, or where an id comes twice. */
async function right(folder: CliFolder): Promise<number> {
  const results = await folder.results('in.results.jsonl');
  expect(new Set(results.map(({ custom_id: id }) => id)).size).toBe(results.length);
  const answered = results.filter(({ error }) => error === null);
  for (const { custom_id: id, response } of answered) {
    const expected = candidates.find(({ request }) => id.replace(/\.\d$/, '') === request.id)?.answer;
    expect(response?.body.choices?.[0]?.message?.content).toBe(expected);
  }
  return answered.length;
}

describe.skipIf(realVllm === null)(
  'a real vLLM (LLMBATCH_PYTHON, LLMBATCH_TEST_VLLM_MODEL)',
  { timeout: maxMs },
  () => {
    test('answers 500 of 500 right, the same as the embedded engine', async () => {
      const { vllm, run, ...folder } = await setUp();
      expect((await vllm()).exitCode).toBe(0);
      expect(await right({ ...folder, run })).toBe(500);
      await copyFile(candidatesFile, folder.at('same.jsonl'));
      await run(['run', 'same.jsonl', '-b', 'llama-cpp', '-m', 'tiny-scorer', '--progress', 'none']);
      const answers = async (name: string): Promise<unknown[]> =>
        (await folder.results(name)).map(({ custom_id: id, response }) => [
          id,
          response?.body.choices?.[0]?.message?.content,
        ]);
      expect(await answers('in.results.jsonl')).toEqual(await answers('same.results.jsonl'));
    });

    test('fails one malformed line, one too long and one with an unknown key alone', async () => {
      const lines = candidateLines();
      const { body } = JSON.parse(lines[300]!) as { body: object };
      lines[100] = '{"custom_id": "malformed", ';
      lines[200] = JSON.stringify({
        custom_id: 'long',
        body: { ...body, messages: [{ role: 'user', content: 'word '.repeat(20_000) }] },
      });
      lines[300] = JSON.stringify({ custom_id: 'unknown', body: { ...body, no_such_key: 1 } });
      const folder = await setUp(lines);
      expect((await folder.vllm()).exitCode).toBe(3);
      expect(await right(folder)).toBe(497);
      const failures = (await folder.results('in.results.jsonl')).flatMap(({ error }) => error ?? []);
      expect(failures.map(({ code }) => code)).toEqual(['input', 'context-too-long', 'bad-request']);
      expect(failures[1]?.message).toContain('The prompt has 100,008 tokens, and the context window 1,024');
    });

    test.each([
      ['one process', 'the worker', '0', /worker\.py/],
      ['several processes', "vLLM's core", '1', /VLLM::EngineCore/],
    ])('of %s heals when %s is killed by -9 in the middle', async (_shape, _what, several, pattern) => {
      const folder = await setUp(many());
      const environment = { ...folder.environment, VLLM_ENABLE_V1_MULTIPROCESSING: several };
      const running = folder.start(folder.args, { environment });
      await untilMany(running.stderr);
      const victim = engineProcesses(running.child.pid!).find(({ command }) => pattern.test(command));
      process.kill(victim!.pid, 'SIGKILL');
      const { exitCode, stderr } = await running.outcome;
      expect([exitCode, await right(folder)]).toEqual([0, 3000]);
      expect(stderr).toContain('the engine is started again');
      expect(await untilNoProcess(running.child.pid!, victim!.group)).toBe(true);
    });

    test.each(['0', '1'])('leaves no process when the runner is killed by -9, and is resumed (%s)', async (several) => {
      const folder = await setUp(many());
      const environment = { ...folder.environment, VLLM_ENABLE_V1_MULTIPROCESSING: several };
      const running = folder.start(folder.args, { environment });
      await untilMany(running.stderr);
      const [engine] = engineProcesses(running.child.pid!);
      running.child.kill('SIGKILL');
      expect(await untilNoProcess(running.child.pid!, engine!.group)).toBe(true);
      const { exitCode } = await folder.run(['resume', '--progress', 'none'], { environment });
      expect([exitCode, await right(folder)]).toEqual([0, 3000]);
    });
  },
);

/** The middle of 3,000 requests. */
async function untilMany(stderr: () => string): Promise<void> {
  while (!/ [12],\d{3}\/3,000 /.test(stderr())) await new Promise((resolve) => setTimeout(resolve, 50));
}
