import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { candidates } from '../backends/candidates.ts';
import { type FakeOllama, type FakeOllamaOptions, startFakeOllama } from '../helpers/fake-ollama-server.ts';
import type { FaultName } from '../helpers/fake-ollama/faults.ts';
import { type CliFolder, countLines, createCliFolder, readResults, until } from '../helpers/run-cli.ts';
import { judgeCandidates } from '../helpers/judge-candidates.ts';

const output = 'in.results.jsonl';
const kinds = ['no-done', 'no-done-plain', 'done-false', 'garbled', 'cut-prompt', 'reset', 'empty'] as const;

interface Setting extends CliFolder {
  server: FakeOllama;
  /** `llmbatch run in.jsonl` on the server. */
  flags: string[];
  /** Results by their state: right, or the codes of failures. Fails where an answer is wrong. */
  judged: () => Promise<Record<string, number>>;
}

/** A folder with so many candidates, and a server that knows the answers. */
async function setUp(count: number, options: FakeOllamaOptions = {}): Promise<Setting> {
  const server = await startFakeOllama(options);
  onTestFinished(() => server.close());
  const folder = await createCliFolder();
  const lines = candidates.slice(0, count).map(({ request: { id, body } }) => JSON.stringify({ custom_id: id, body }));
  await folder.write('in.jsonl', `${lines.join('\n')}\n`);
  const flags = ['in.jsonl', '-b', 'ollama', '--host', server.host, '--progress', 'none'];
  return { ...folder, server, flags, judged: () => judgeCandidates(folder, count) };
}

/** A quarter of the requests, by their place in the input. */
const isFaulty = (text: string): boolean => faultyIndex(text) % 4 === 0;
const faultyIndex = (text: string): number =>
  candidates.findIndex(({ request }) => text.includes(questionOf(request.body)));
const questionOf = ({ messages }: { messages?: { content: unknown }[] }): string =>
  JSON.stringify(messages?.at(-1)?.content);

describe('a run on Ollama', () => {
  test('answers right with more workers than slots, says so, and loads the model once', async () => {
    const { run, server, flags, judged } = await setUp(100, { slots: 4 });
    const { exitCode, stderr } = await run(['run', ...flags, '--workers', '8', '-v']);
    expect([exitCode, await judged(), server.loads]).toEqual([0, { right: 100 }, 1]);
    expect(stderr).toContain('ollama: 4 slots of 1,024 tokens (for the longest prompt and its answer)');
    expect(stderr).toContain('8 workers, but the engine works on 4 at a time');
    expect(stderr).toContain('OLLAMA_NUM_PARALLEL');
  });

  test('finds the server by OLLAMA_HOST, and takes as many workers as it has slots and one', async () => {
    const { run, server, judged } = await setUp(60, { slots: 2, models: ['gemma3:4b'] });
    const { exitCode, stderr } = await run(['run', 'in.jsonl', '-m', 'gemma3:4b', '--progress', 'none', '--json'], {
      environment: { OLLAMA_HOST: server.host },
    });
    expect([exitCode, await judged()]).toEqual([0, { right: 60 }]);
    expect(stderr).toContain('ollama, gemma3:4b, 3 workers');
    expect(server.maxInFlight).toBe(2);
  });

  test('with a quarter of the first answers faulty in seven ways, gives right answers or honest failures', async () => {
    const { run, server, flags, judged } = await setUp(400, { slots: 4 });
    const planned = new Map<FaultName, number>();
    server.faults = ({ path, text }, attempt) => {
      if (path !== '/api/chat' || attempt > 0 || !text.includes('"num_predict":64') || !isFaulty(text)) return null;
      const kind = kinds[(faultyIndex(text) / 4) % kinds.length]!;
      planned.set(kind, (planned.get(kind) ?? 0) + 1);
      return kind;
    };
    const { exitCode } = await run(['run', ...flags, '--workers', '8']);
    expect(exitCode).toBe(3);
    expect([...planned.keys()].toSorted()).toEqual(kinds.toSorted());
    const failed = { repetition: planned.get('no-done'), 'context-too-long': planned.get('cut-prompt') };
    const failures = Object.values(failed).reduce((sum, count) => sum! + count!, 0)!;
    expect(await judged()).toEqual({ right: 400 - failures, ...failed });
    expect(server.loads).toBe(1);
  });

  test('waits for a server that is not there yet, and for one that goes away in the middle', async () => {
    const { at, start, server, flags, judged } = await setUp(400, { slots: 2, tokenMs: 1 });
    await server.stop();
    const running = start(['run', ...flags, '--workers', '4']);
    await until(() => running.stderr().includes('no Ollama server answers at'));
    await server.start();
    await until(async () => (await countLines(at(output))) > 50);
    await server.stop();
    await until(() => running.stderr().includes('the engine does not answer'));
    await server.start();
    const { exitCode } = await running.outcome;
    expect([exitCode, await judged(), server.loads]).toEqual([0, { right: 400 }, 2]);
  });

  test('stops with exit 4 where the model is deleted, and resumes when it is back', async () => {
    const { at, start, run, server, flags, judged } = await setUp(200, { slots: 2, tokenMs: 1 });
    const running = start(['run', ...flags, '--workers', '4']);
    await until(async () => (await countLines(at(output))) > 20);
    server.deleteModel('tiny-scorer');
    const { exitCode, stderr } = await running.outcome;
    expect(exitCode).toBe(4);
    expect(stderr).toContain("model 'tiny-scorer' not found");
    expect((await run(['resume', '--progress', 'none'])).exitCode).toBe(4);
    server.addModel('tiny-scorer');
    expect([(await run(['resume', '--progress', 'none'])).exitCode, await judged()]).toEqual([0, { right: 200 }]);
  });

  test('sends 16 workers to a server whose queue takes two while it loads', async () => {
    const { run, server, flags, judged } = await setUp(100, { slots: 1, maxQueue: 2, loadMs: 100 });
    const { exitCode } = await run(['run', ...flags, '--workers', '16', '--option', 'slots=1']);
    expect([exitCode, await judged(), server.loads]).toEqual([0, { right: 100 }, 1]);
  });

  test('keeps whole question-answer pairs in a conversation, through trims, a kill -9 and the resume', async () => {
    const { at, write, start, run, text, server, flags } = await setUp(1, { slots: 1, tokenMs: 1 });
    await write('in.jsonl', oneRubric(230));
    const conversation = ['run', ...flags, '--mode', 'conversation', '--workers', '2'];
    const running = start(conversation);
    await until(async () => (await countLines(at(output))) > 70);
    running.child.kill('SIGKILL');
    await running.outcome;
    const { exitCode, stdout, stderr } = await run(['resume', '--progress', 'none', '--json']);
    expect([exitCode, JSON.parse(stdout).context.trims > 0]).toEqual([0, true]);
    expect(stderr).toContain('1 worker instead of 2');
    const chats = server.requests.filter(
      ({ text: sent }) => sent.includes('Candidate') && sent.includes('"num_predict":64'),
    );
    for (const { body } of chats) expect(rolesOf(body)).toMatch(/^s(ua)*u$/);
    const longest = Math.max(...chats.map(({ body }) => rolesOf(body).length));
    expect(longest).toBeLessThanOrEqual(1 + 40 + 2 * 50);
    expect(checkAnswers(await text('in.jsonl'), await text(output))).toBe(230);
    expect(server.loads).toBe(1);
  });

  test('with --unload frees the model at the end, and keeps it between the inputs of a queue', async () => {
    const { run, write, server, flags } = await setUp(20, { slots: 1 });
    await write('more.jsonl', oneRubric(20));
    const { exitCode } = await run(['run', ...flags, 'more.jsonl', '--unload']);
    expect([exitCode, server.loads]).toEqual([0, 1]);
    const { models } = (await (await fetch(`${server.url}/api/ps`)).json()) as { models: unknown[] };
    expect(models).toEqual([]);
  });
});

/** Candidates under one rubric, each with its answer. */
const oneRubric = (count: number): string =>
  execFileSync(process.execPath, [makeCandidates, '--count', String(count), '--systems', '1'], { encoding: 'utf8' });

const makeCandidates = fileURLToPath(new URL('../../scripts/make-candidates.mjs', import.meta.url));

/** The first letter of each message's role: `suaua...u`. */
const rolesOf = (body: unknown): string =>
  (body as { messages: { role: string }[] }).messages.map(({ role }) => role[0]).join('');

/** How many answers are as the input expects them. */
function checkAnswers(input: string, results: string): number {
  const expected = new Map(
    input
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { custom_id: string; expected: unknown })
      .map(({ custom_id: id, expected: answer }) => [id, JSON.stringify(answer)]),
  );
  return readResults(results).filter(
    ({ custom_id: id, response }) => response?.body.choices?.[0]?.message?.content === expected.get(id),
  ).length;
}

describe('a bench on Ollama', () => {
  test('baseline has the model unloaded behind each request, keep-alive loads it once', async () => {
    const { run, server, text } = await setUp(40, { slots: 2, loadMs: 250 });
    const engine = ['in.jsonl', '-b', 'ollama', '--host', server.host, '--option', 'slots=2'];
    const trials = ['--strategies', 'baseline,keep-alive', '--sizes', '10', '--repeat', '1', '-o', 'b'];
    const { exitCode, stderr } = await run(['bench', ...engine, ...trials, '--json']);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('trial 2 of 2')]);
    const records = (await text('b/trials.jsonl')).trimEnd().split('\n');
    const facts = records
      .map(
        (line) => JSON.parse(line) as { type: string; spec: { strategy: string }; reloads: number; succeeded: number },
      )
      .filter(({ type }) => type === 'trial')
      .map(({ spec, reloads, succeeded }) => [spec.strategy, reloads, succeeded]);
    expect(new Map(facts.map(([strategy, reloads]) => [strategy, reloads]))).toEqual(
      new Map([
        ['baseline', 10],
        ['keep-alive', 0],
      ]),
    );
    expect(facts.every(([, , succeeded]) => succeeded === 10)).toBe(true);
  });
});
