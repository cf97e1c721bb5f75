import { stat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  type CliFolder,
  type CliOutcome,
  countLines,
  createCliFolder,
  mock,
  prompts,
  until,
} from '../helpers/run-cli.ts';

const output = 'in.results.jsonl';
const lines = [
  { id: 'a', prompt: 'one two three four' },
  { id: 'b', prompt: 'one' },
  { id: 'c', prompt: 'five six seven' },
];
const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('');

/** A finished run in which the answers of a and c were cut after one token. */
async function cutRun(text = input): Promise<{ folder: CliFolder; outcome: CliOutcome }> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', text);
  return { folder, outcome: await folder.run(['run', 'in.jsonl', ...mock(), '--max-tokens', '1']) };
}

/** The commands that a text proposes, each as it is printed. */
const commandsIn = (text: string): string[][] =>
  [...text.matchAll(/llmbatch (resume .*)$/gm)].map(([, words = '']) => words.split(' '));

describe('what failed is told with kind, message, ids and the command that mends it', () => {
  test('in the summary, in status and in report, and the command works as it is printed', async () => {
    const { folder, outcome } = await cutRun();
    const status = await folder.run(['status', output]);
    const report = await folder.run(['report', output]);
    expect([outcome.exitCode, commandsIn(outcome.stderr)]).toEqual([3, commandsIn(status.stdout)]);
    for (const text of [outcome.stderr, status.stdout, report.stdout]) {
      expect(text).toMatch(/the answer was cut after 1 token\b/);
      expect(text).toContain('(a, c)');
    }
    const [command = []] = commandsIn(report.stdout);
    expect(command.join(' ')).toBe(`resume ${output} --max-tokens 200 --retry-failed all`);
    const mended = await folder.run([...command, '--progress', 'none']);
    expect([mended.exitCode, mended.stderr]).toEqual([0, expect.stringContaining('tried again: truncated 2')]);
    expect((await folder.manifest(`${output}.run.json`)).drift).toEqual(['--max-tokens 1 → 200']);
    expect((await folder.results(output)).map(({ error }) => error)).toEqual([null, null, null]);
  });

  test('as JSON, the same from the manifest and from the results', async () => {
    const { folder } = await cutRun();
    const [status, report] = [
      await folder.run(['status', output, '--json']),
      await folder.run(['report', output, '--json']),
    ];
    const failures = [
      {
        kind: 'truncated',
        count: 2,
        message: expect.stringMatching(/cut after 1 token\b/) as string,
        ids: ['a', 'c'],
      },
    ];
    expect(JSON.parse(status.stdout)).toMatchObject({ failures });
    expect(JSON.parse(report.stdout)).toMatchObject({ failures, retry: [{ reason: 'with longer answers' }] });
  });

  test('of lines that are no request: they are mended in the file, and taken by the command that is printed', async () => {
    const { folder, outcome } = await cutRun(`{"id":"x","prompt":7}\n${JSON.stringify(lines[1])}\n`);
    const [command = []] = commandsIn(outcome.stderr);
    await folder.write('in.jsonl', `{"id":"x","prompt":"seven"}\n${JSON.stringify(lines[1])}\n`);
    const mended = await folder.run([...command, '--progress', 'none']);
    expect([mended.exitCode, mended.stderr]).toEqual([0, expect.stringContaining('tried again: input 1')]);
  });

  test('of answers without an end: a limit of tokens is proposed, no longer context', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', '{"id":"a","prompt":"Hi"}\n');
    await folder.write('long.json', JSON.stringify({ enum: ['the same words '.repeat(30)] }));
    const engine = ['-m', 'tiny-scorer', '--option', 'threads=1', '--option', 'context_size=64'];
    const { stderr } = await folder.run(['run', 'in.jsonl', ...engine, '--schema', 'long.json']);
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(/truncated 1: The answer was cut .* limit it with --max-tokens \(/);
    const [command = []] = commandsIn(stderr);
    const flags = ['--max-tokens', expect.stringMatching(/^\d\d$/), '--allow-truncated', '--retry-failed', 'all'];
    expect(command).toEqual(['resume', output, ...flags]);
  });

  test("of answers that a line's own max_tokens cut, for which no flag would do", async () => {
    const own = (tokens: number): string => `${JSON.stringify({ ...lines[0], max_tokens: tokens })}\n`;
    const folder = await createCliFolder();
    await folder.write('in.jsonl', own(1));
    const { stderr } = await folder.run(['run', 'in.jsonl', ...mock()]);
    const [command = []] = commandsIn(stderr);
    expect(command).toEqual(['resume', output, '--allow-drift', '--retry-failed', 'all']);
    await folder.write('in.jsonl', own(9));
    expect((await folder.run([...command, '--progress', 'none'])).exitCode).toBe(0);
  });

  test('of empty fields and empty answers, which a flag lets through', async () => {
    const folder = await createCliFolder();
    await folder.write('in.csv', 'name,city\nAnn,\nBob,Bonn\n');
    const template = ['--prompt-template', '{{name}} of {{city}}'];
    const { stderr } = await folder.run(['run', 'in.csv', ...template, ...mock('answer=text: ')]);
    const commands = commandsIn(stderr);
    expect(commands).toContainEqual(['resume', output, '--allow-empty-fields']);
    expect(commands).toContainEqual(['resume', output, '--allow-empty-answers', '--retry-failed', 'all']);
    const flags = ['--allow-empty-fields', '--allow-empty-answers', '--retry-failed', 'all', '--progress', 'none'];
    const again = await folder.run(['resume', output, ...flags]);
    expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('2 empty')]);
  });

  test.each(['refused', 'control-token', 'bad-request', 'timeout'])('of %s', async (kind) => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', input);
    const faults = mock('fault_rate=1', `fault_kinds=${kind}`);
    const { stderr } = await folder.run(['run', 'in.jsonl', ...faults, '--retries', '0', '--max-error-rate', '1']);
    const [command = []] = commandsIn(stderr);
    const again = await folder.run([
      ...command,
      '--progress',
      'none',
      '--max-error-rate',
      '1',
      '--option',
      'fault_rate=0',
    ]);
    expect([again.exitCode, again.stderr]).toEqual([
      kind === 'timeout' ? 5 : 0,
      expect.stringContaining(kind === 'timeout' ? '--option fault_rate 1 → 0' : `tried again: ${kind} 3`),
    ]);
  });
});

test('the end says how to get the answers as a table, and that works', async () => {
  const { folder, outcome } = await cutRun();
  const [, words = ''] = /^ {2}answers +llmbatch (.*)$/m.exec(outcome.stderr) ?? [];
  expect((await folder.run(words.split(' '))).exitCode).toBe(0);
  expect(await folder.text('in.results.csv')).toContain('b,one');
});

test('what goes on with a run that an engine ended stands behind the error', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(150));
  const faults = mock('fault_rate=1', 'fault_kinds=refused');
  const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', ...faults]);
  expect([exitCode, stderr]).toEqual([4, expect.stringMatching(/Error: .*failed[^]*Go on with: llmbatch resume /)]);
});

describe('a finished run that is run again', () => {
  test.each(['resume', 'run'])('by %s: nothing is done, and it says what failed and what to do', async (how) => {
    const { folder } = await cutRun();
    const written = await stat(folder.at(`${output}.run.json`));
    const words = how === 'resume' ? ['resume', output] : ['run', 'in.jsonl', ...mock(), '--max-tokens', '1'];
    const { exitCode, stderr } = await folder.run(words);
    expect([exitCode, stderr]).toEqual([
      3,
      expect.stringContaining('Nothing to do: 3 requests done before (1 succeeded, 2 failed)'),
    ]);
    expect(stderr).toMatch(/the answer was cut after 1 token\b/);
    expect(commandsIn(stderr)).toHaveLength(1);
    expect(stderr).not.toContain('req/s');
    expect((await stat(folder.at(`${output}.run.json`))).mtimeMs).toBe(written.mtimeMs);
  });

  test('ends with 0 where nothing failed, and opens no engine', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', input);
    await folder.run(['run', 'in.jsonl', ...mock('load_ms=1')]);
    const again = await folder.run(['resume', output, '--json']);
    expect([again.exitCode, again.stderr]).toEqual([
      0,
      expect.stringContaining('Nothing to do: 3 requests done before\n'),
    ]);
    expect(JSON.parse(again.stdout)).toMatchObject({ state: 'finished', done: 3, load_ms: null });
  });

  test('with other settings offers what works, in the words of the flags', async () => {
    const { folder } = await cutRun();
    const changed = ['run', 'in.jsonl', ...mock(), '--max-tokens', '9'];
    const refused = await folder.run(changed);
    expect(refused.exitCode).toBe(5);
    expect(refused.stderr).toContain(
      'holds a finished run (3 of 3 requests done) with other settings: --max-tokens 1 → 9',
    );
    expect(refused.stderr).toMatch(/add --retry-failed all.* add -o in\.results\.2\.jsonl.* add --overwrite/);
    expect((await folder.run([...changed, '-o', 'in.results.2.jsonl'])).exitCode).toBe(0);
    expect((await folder.run([...changed, '--retry-failed', 'all'])).exitCode).toBe(0);
    const prompt = await folder.run([...changed, '--system', 'Be brief.']);
    expect([prompt.exitCode, prompt.stderr]).toEqual([5, expect.stringContaining('--system none → "Be brief."')]);
    expect(prompt.stderr).not.toContain('--retry-failed');
    expect(prompt.stderr).toContain('in.results.3.jsonl');
  });

  test('with other options is refused before anything is loaded', async () => {
    const { folder } = await cutRun();
    const hour = mock('load_ms=3600000');
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', ...hour, '--max-tokens', '1']);
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('--option load_ms default → 3600000')]);
    const wrong = await folder.run(['resume', output, '--option', 'load_mss=1']);
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean load_ms?')]);
  });

  test('by a model that is not there, tells of the model first', async () => {
    const { folder } = await cutRun();
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', '-m', 'nothing.gguf']);
    expect(exitCode).not.toBe(5);
    expect(stderr).toContain('nothing.gguf');
    expect(stderr).not.toMatch(/finished run|What is answered is kept/);
  });
});

test('a run that is not finished offers to go on as it was begun, and with the other settings', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(40));
  const flags = ['run', 'in.jsonl', ...mock('latency_ms=100'), '--workers', '2'];
  const { child, outcome } = folder.start(flags);
  await until(async () => (await countLines(folder.at(output))) > 2);
  child.kill('SIGINT');
  expect((await outcome).exitCode).toBe(130);
  const refused = await folder.run([...flags, '--max-tokens', '9']);
  expect(refused.stderr).toMatch(/holds a run that is not finished \(\d+ of 40 requests done\) with other settings/);
  expect(commandsIn(refused.stderr.replace(/\. To keep.*/, ''))).toEqual([['resume', output]]);
  const allowed = await folder.run([...flags, '--max-tokens', '9', '--allow-drift']);
  expect([allowed.exitCode, allowed.stderr]).toEqual([0, expect.stringContaining('--max-tokens default → 9')]);
});

test('results on stdout are with whoever took them: no command for them is told', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', input);
  const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', '-o', '-', ...mock()]);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Finished: 3 requests done')]);
  expect(stderr).not.toContain('llmbatch export');
});

test('an estimate of which nothing was answered says why', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', input.replace('"prompt":"one"', '"prompt":"one two"'));
  const { exitCode, stdout } = await folder.run(['run', 'in.jsonl', ...mock(), '--max-tokens', '1', '--estimate']);
  expect([exitCode, stdout]).toEqual([
    3,
    expect.stringMatching(/^ {2}errors {2}truncated 3: the answer was cut after 1/m),
  ]);
});
