import { appendFile, rm, truncate } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { ResultLine } from '../../src/core/result-line.ts';
import { type CliFolder, countLines, createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';

const cold = ['--temperature', '0'];
const flags = (...options: string[]): string[] => [...mock(...options), ...cold];

/** A folder with `first.jsonl`, whose 10 requests are answered. */
async function answeredFolder(...options: string[]): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('first.jsonl', prompts(10));
  await folder.run(['run', 'first.jsonl', ...flags(...options)]);
  return folder;
}

const reuse = (folder: CliFolder, input: string, ...words: string[]) =>
  folder.run(['run', input, '--reuse', 'first.results.jsonl', ...flags(), ...words]);

const sent = (lines: readonly ResultLine[]): string[] =>
  lines.filter(({ llmbatch }) => llmbatch.attempts > 0).map(({ custom_id }) => custom_id);
const contents = (lines: readonly ResultLine[]): unknown[] =>
  lines.map(({ response }) => response?.body.choices?.[0]?.message?.content);

describe('llmbatch run --reuse', () => {
  test('sends only what is new, and says where the other answers come from', async () => {
    const folder = await answeredFolder();
    const moved = prompts(10).replaceAll('"r', '"m').replaceAll('}', ',"city":"Rome"}');
    await folder.write('second.jsonl', `${moved}${prompts(2, 11)}`);
    const { exitCode, stderr, stdout } = await reuse(folder, 'second.jsonl', '--json');
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('10 of 12 requests not sent: answered in first')]);
    expect(stderr).toContain('reused   10 requests not sent: answered before');
    expect(JSON.parse(stdout)).toMatchObject({ done: 12, succeeded: 12, reused: 10, latency_ms: { count: 2 } });
    const [lines, earlier] = [
      await folder.results('second.results.jsonl'),
      await folder.results('first.results.jsonl'),
    ];
    expect(sent(lines)).toEqual(['r11', 'r12']);
    expect(contents(lines.slice(0, 10))).toEqual(contents(earlier));
    const { runId } = await folder.manifest('first.results.jsonl.run.json');
    const { llmbatch, ...first } = lines[0]!;
    expect(first).toMatchObject({ custom_id: 'm1', error: null, response: { status_code: 200, request_id: first.id } });
    expect(llmbatch).toMatchObject({ attempts: 0, reused: { run_id: runId, id: 'r1' }, row: { city: 'Rome' } });
    expect(llmbatch.request_hash).toBe(earlier[0]?.llmbatch.request_hash);
    const report = await folder.run(['report', 'second.results.jsonl', '--json']);
    expect(JSON.parse(report.stdout)).toMatchObject({ reused: 10, tokens: { completion: 4 } });
  });

  test('is counted by --dry-run, which sends nothing', async () => {
    const folder = await answeredFolder();
    await folder.write('second.jsonl', `${prompts(12)}${prompts(1, 12).replace('"r12"', '"copy"')}`);
    const dry = await reuse(folder, 'second.jsonl', '--dedupe', '--dry-run');
    expect(dry.stdout).toMatch(
      /^reuse +10 of 13 requests answered before, 1 the same as another one: 2 would be sent$/m,
    );
    const json = await reuse(folder, 'second.jsonl', '--dedupe', '--dry-run', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ requests: 13, reuse: { reused: 10, copies: 1 } });
    const other = await folder.run([
      'run',
      'second.jsonl',
      '--reuse',
      'first.results.jsonl',
      ...mock(),
      '--dry-run',
      '--seed',
      '1',
    ]);
    expect([other.stdout, other.stderr]).toEqual([
      expect.stringMatching(/^reuse +0 of 13 requests answered before: 13 would be sent$/m),
      expect.stringContaining('nothing is reused: first.results.jsonl was made with other settings'),
    ]);
  });

  test('opens no engine where nothing is left for it', async () => {
    const folder = await answeredFolder('load_ms=1');
    await folder.write('again.jsonl', prompts(10));
    const words = ['--reuse', 'first.results.jsonl', ...flags('load_ms=1')];
    const { exitCode, stdout } = await folder.run(['run', 'again.jsonl', ...words, '--json']);
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ reused: 10, load_ms: null })]);
  });

  test('names the first run also where its answers were reused themselves', async () => {
    const folder = await answeredFolder();
    await reuse(folder, 'first.jsonl', '-o', 'second.jsonl');
    const words = ['--reuse', 'second.jsonl', '-o', 'third.jsonl', ...flags()];
    await folder.run(['run', 'first.jsonl', ...words]);
    const [{ runId }, lines] = [
      await folder.manifest('first.results.jsonl.run.json'),
      await folder.results('third.jsonl'),
    ];
    expect(new Set(lines.map(({ llmbatch }) => llmbatch.reused?.run_id))).toEqual(new Set([runId]));
  });

  test('takes nothing of other settings, and says which', async () => {
    const folder = await answeredFolder();
    const { stderr } = await reuse(folder, 'first.jsonl', '-o', 'other.jsonl', '--max-tokens', '50');
    expect(stderr).toContain(
      'nothing is reused: first.results.jsonl was made with other settings (--max-tokens default → 50)',
    );
    expect(sent(await folder.results('other.jsonl'))).toHaveLength(10);
  });

  test('says why few are reused of a run whose settings were changed on its way', async () => {
    const folder = await answeredFolder();
    const retry = ['resume', 'first.results.jsonl', '--max-tokens', '50', '--allow-drift', '--progress', 'none'];
    await folder.write('first.jsonl', prompts(12));
    expect((await folder.run(retry)).exitCode).toBe(0);
    const { stderr } = await reuse(folder, 'first.jsonl', '-o', 'other.jsonl', '--max-tokens', '50');
    expect(stderr).toContain('2 of 12 requests not sent');
    expect(stderr).toContain(
      '10 requests sent: the settings of first.results.jsonl were changed on its way (--max-tokens default → 50)',
    );
  });

  test('sends what is sampled, and is refused where all is', async () => {
    const folder = await answeredFolder();
    const hot = `{"id":"hot","prompt":"question 1","temperature":0.7}\n`;
    await folder.write('mixed.jsonl', prompts(3) + hot);
    const mixed = await reuse(folder, 'mixed.jsonl');
    expect(mixed.stderr).toContain('1 of 4 requests are answered otherwise each time');
    expect(sent(await folder.results('mixed.results.jsonl'))).toEqual(['hot']);
    await folder.write('hot.jsonl', hot);
    const { exitCode, stderr } = await reuse(folder, 'hot.jsonl');
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('add --temperature 0 or --seed 1')]);
    expect(await folder.text('hot.results.jsonl').catch(() => null)).toBeNull();
  });

  test.each([
    [['--reuse', 'nowhere.jsonl'], 'no such file'],
    [['--reuse', 'first.jsonl'], 'nothing is reused'],
    [['--reuse', 'new.jsonl'], 'names the output of this run itself'],
    [['--reuse', 'first.results.jsonl', '--mode', 'conversation'], "can't be used with --mode conversation"],
    [['--dedupe', '--estimate', '5'], 'Remove --reuse and --dedupe'],
  ])('%j: %s', async (words, text) => {
    const folder = await answeredFolder();
    const { exitCode, stderr } = await folder.run(['run', 'first.jsonl', '-o', 'new.jsonl', ...flags(), ...words]);
    expect([exitCode, stderr]).toEqual([words[1] === 'first.jsonl' ? 0 : 2, expect.stringContaining(text)]);
  });

  test('takes what is whole of a damaged output, and of a run that is not finished', async () => {
    const folder = await answeredFolder();
    await appendFile(folder.at('first.results.jsonl'), 'rubbish\n');
    const size = (await folder.text('first.results.jsonl')).length;
    await appendFile(folder.at('first.results.jsonl'), await folder.text('first.results.jsonl'));
    await truncate(folder.at('first.results.jsonl'), size + 100);
    const manifest = await folder.text('first.results.jsonl.run.json');
    await folder.write('first.results.jsonl.run.json', manifest.replace('"finished"', '"stopped"'));
    const { stderr } = await reuse(folder, 'first.jsonl', '-o', 'again.jsonl');
    expect(stderr).toContain(
      'first.results.jsonl is of a run that is not finished: what it has by now is reused (10 answers)',
    );
    expect(stderr).toContain('2 lines of first.results.jsonl skipped: damaged, or not results');
    expect(sent(await folder.results('again.jsonl'))).toEqual([]);
  });

  test('that is killed is resumed with what it reuses, and sends nothing twice', async () => {
    const folder = await answeredFolder('latency_ms=30');
    await folder.write('more.jsonl', prompts(60));
    const words = ['--reuse', 'first.results.jsonl', ...flags('latency_ms=30'), '--workers', '2', '--fsync', 'always'];
    const killed = folder.start(['run', 'more.jsonl', ...words]);
    await until(async () => (await countLines(folder.at('more.results.jsonl'))) >= 14);
    killed.child.kill('SIGKILL');
    await killed.outcome;
    const kept = await folder.results('more.results.jsonl');
    const { exitCode, stdout } = await folder.run(['resume', 'more.results.jsonl', '--progress', 'none', '--json']);
    expect([exitCode, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ done: 60, succeeded: 60, reused: 10 }),
    ]);
    const lines = await folder.results('more.results.jsonl');
    expect(lines).toHaveLength(60);
    expect(sent(lines)).toHaveLength(50);
    for (const line of kept) expect(lines).toContainEqual(line);
  });

  test('goes on without an output that is gone meanwhile, and says so', async () => {
    const folder = await answeredFolder();
    await folder.write('more.jsonl', prompts(12));
    await reuse(folder, 'more.jsonl');
    await appendFile(folder.at('more.jsonl'), prompts(2, 13));
    await rm(folder.at('first.results.jsonl'));
    const { exitCode, stderr } = await folder.run(['resume', 'more.results.jsonl', '--progress', 'none']);
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringContaining('first.results.jsonl is gone: nothing more is reused'),
    ]);
    expect(sent(await folder.results('more.results.jsonl'))).toEqual(['r11', 'r12', 'r13', 'r14']);
  });
});

describe('llmbatch run --dedupe', () => {
  const rows = [1, 2, 1, 3, 2, 1]
    .map((number, index) => `{"id":"d${index + 1}","prompt":"question ${number}"}\n`)
    .join('');

  test('sends identical requests once, also those of standard input', async () => {
    const folder = await createCliFolder();
    const words = ['run', '-', '-o', 'out.jsonl', '--dedupe', ...flags()];
    const { exitCode, stderr } = await folder.run(words, { stdin: rows });
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringContaining('3 of 6 requests not sent: each is the same as another one'),
    ]);
    const lines = await folder.results('out.jsonl');
    const { runId } = await folder.manifest('out.jsonl.run.json');
    expect(lines.map(({ llmbatch }) => llmbatch.reused?.id ?? null)).toEqual([null, null, 'd1', null, 'd2', 'd1']);
    expect(lines[2]?.llmbatch.reused?.run_id).toBe(runId);
    expect(contents(lines)).toEqual([1, 2, 1, 3, 2, 1].map((number) => `question ${number}`));
  });

  test('lets the copies of a failure fail alike, and a resume tries one of them for all', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', rows);
    const faults = ['fault_rate=1', 'fault_kinds=server-error', 'fault_attempts=1'];
    const words = ['run', 'in.jsonl', '--dedupe', '--retries', '0', '--max-error-rate', '1', ...flags(...faults)];
    const { exitCode } = await folder.run(words);
    const failed = await folder.results('in.results.jsonl');
    expect([exitCode, failed.map(({ error }) => error?.code)]).toEqual([3, Array(6).fill('server-error')]);
    expect(sent(failed)).toEqual(['d1', 'd2', 'd4']);
    await folder.run(['resume', 'in.results.jsonl', '--retries', '3', '--progress', 'none']);
    const lines = await folder.results('in.results.jsonl');
    expect(lines.map(({ error }) => error)).toEqual(Array(6).fill(null));
    expect(sent(lines)).toEqual(['d1', 'd2', 'd4']);
  });

  test('that is killed before the copies were made gives them the answers that are there', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(40) + prompts(40).replaceAll('"r', '"copy-'));
    const words = ['--dedupe', ...flags('latency_ms=30'), '--workers', '2', '--fsync', 'always'];
    const killed = folder.start(['run', 'in.jsonl', ...words]);
    await until(async () => (await countLines(folder.at('in.results.jsonl'))) >= 10);
    killed.child.kill('SIGKILL');
    await killed.outcome;
    const { exitCode } = await folder.run(['resume', 'in.results.jsonl', '--progress', 'none']);
    const lines = await folder.results('in.results.jsonl');
    expect([exitCode, lines.length, sent(lines).length]).toEqual([0, 80, 40]);
  });
});
