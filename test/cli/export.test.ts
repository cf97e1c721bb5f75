import { readdir, symlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CliFolder, createCliFolder, mock, prompts } from '../helpers/run-cli.ts';

const people = 'id,name,note,number\n1234567890123456789,Jürgen,"a, ""b""",1.50\n2,Zoë,"x\ny",3\n';

async function finishedRun(): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('people.csv', people);
  await folder.run(['run', 'people.csv', ...mock(), '--prompt-template', 'Hello {{name}}']);
  return folder;
}

describe('llmbatch export', () => {
  test('prints the rows with their answers as CSV, digit by digit', async () => {
    const folder = await finishedRun();
    const { exitCode, stdout, stderr } = await folder.run(['export', 'people.results.jsonl']);
    expect(stdout).toBe(
      [
        'id,name,note,number,answer,error_code,error_message,prompt_tokens,completion_tokens\n',
        '1234567890123456789,Jürgen,"a, ""b""",1.50,Hello Jürgen,,,2,2\n',
        '2,Zoë,"x\ny",3,Hello Zoë,,,2,2\n',
      ].join(''),
    );
    expect([exitCode, stderr]).toEqual([0, '2 rows, to stdout\n']);
  });

  test.each(['people.csv', 'people.results.jsonl', 'people.results.jsonl.run.json', 'link.csv'])(
    'never writes to a file of the run: %s',
    async (name) => {
      const folder = await finishedRun();
      await symlink(folder.at('people.csv'), folder.at('link.csv'));
      const before = await folder.text(name);
      const { exitCode } = await folder.run(['export', 'people.results.jsonl', '-o', name, '--overwrite']);
      expect([exitCode, await folder.text(name)]).toEqual([2, before]);
    },
  );

  test('has the keys of the answers in the order of the schema, whatever the answers have', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(1));
    const schema = { type: 'object', properties: { verdict: { type: 'string' }, reason: { type: 'string' } } };
    await folder.run(['run', 'in.jsonl', ...mock(), '--schema', JSON.stringify(schema)]);
    const [line] = await folder.results('in.results.jsonl');
    const answer = { reason: 'It broke.', other: 1, verdict: 'bad' };
    const body = { choices: [{ message: { role: 'assistant', content: JSON.stringify(answer) } }] };
    const response = { status_code: 200, request_id: 'x', body };
    const result = { ...line, response, error: null, llmbatch: { ...line?.llmbatch, parsed: answer } };
    await folder.write('in.results.jsonl', `${JSON.stringify(result)}\n`);
    const { stdout } = await folder.run(['export', 'in.results.jsonl']);
    expect(stdout).toMatch(/^id,verdict,reason,other,error_code/);
  });

  test('does not replace a file unasked', async () => {
    const folder = await finishedRun();
    await folder.write('mine.csv', 'my work');
    const words = ['export', 'people.results.jsonl', '-o', 'mine.csv'];
    const first = await folder.run(words);
    expect([first.exitCode, await folder.text('mine.csv')]).toEqual([5, 'my work']);
    const second = await folder.run([...words, '--overwrite']);
    expect([second.exitCode, second.stderr]).toEqual([0, '2 rows, to mine.csv\n']);
    expect(await folder.text('mine.csv')).toContain('Hello Jürgen');
  });

  test('has failures, alone where they are asked for, and says what has no result yet', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(20));
    await folder.run(['run', 'in.jsonl', ...mock('fault_rate=1', 'fault_kinds=bad-request'), '--max-error-rate', '1']);
    const lines = (await folder.text('in.results.jsonl')).split('\n');
    // As a run that goes on leaves it: out of order, the last line torn.
    await folder.write('in.results.jsonl', `${lines.slice(0, 5).toReversed().join('\n')}\n${lines[6]?.slice(0, 99)}`);
    const outcome = await folder.run([
      'export',
      'in.results.jsonl',
      '--failed',
      '--fields',
      'id',
      '--fields',
      'error_code',
    ]);
    const rows = [1, 2, 3, 4, 5].map((row) => `r${row},bad-request\n`);
    expect(outcome).toEqual({
      exitCode: 0,
      stdout: `id,error_code\n${rows.join('')}`,
      stderr: '5 rows, 5 of them failed, to stdout\n15 of 20 have no result yet\n',
    });
  });

  test.each([
    ['in its middle', (line: string) => line.replace('"choices":', '"choices"')],
    ['at its end', (line: string) => line.slice(0, -2)],
    ['as a whole', () => 'not a result'],
  ])('leaves out a line that is damaged %s, and tells it', async (_, damage) => {
    const folder = await finishedRun();
    const [first = '', second = ''] = (await folder.text('people.results.jsonl')).split('\n');
    await folder.write('people.results.jsonl', `${damage(first)}\n${second}\n`);
    const { exitCode, stdout, stderr } = await folder.run(['export', 'people.results.jsonl', '--fields', 'id,answer']);
    expect([exitCode, stdout]).toEqual([0, 'id,answer\n2,Hello Zoë\n']);
    expect(stderr).toContain('skipped, because they are damaged or not results: 1 line\n');
  });

  test.each([
    ['answers.tsv', [], 'id\tname\t'],
    ['answers.jsonl', [], '{"id":"1234567890123456789",'],
    ['answers.ndjson', [], '{"id":"1234567890123456789",'],
    ['answers.json', [], '[\n{"id":"1234567890123456789",'],
    ['answers.md', [], '| id | name |'],
    ['ANSWERS.CSV', ['--bom', '--delimiter', ';'], '\ufeffid;name;'],
    ['answers.txt', ['--format', 'csv'], 'id,name,'],
    ['answers.parquet', [], 'PAR1'],
  ])('writes %s in the format of its name', async (name, flags, start) => {
    const folder = await finishedRun();
    const { exitCode } = await folder.run(['export', 'people.results.jsonl', '-o', name, ...flags]);
    expect([exitCode, (await folder.text(name)).slice(0, start.length)]).toEqual([0, start]);
  });

  test('takes standard input, in the order of the lines that were answered', async () => {
    const folder = await finishedRun();
    const lines = (await folder.text('people.results.jsonl')).trimEnd().split('\n');
    const words = ['export', '-', '--fields', 'id'];
    const ofOne = await folder.run(words, { stdin: lines.toReversed().join('\n') + '\n' });
    expect([ofOne.exitCode, ofOne.stdout]).toEqual([0, 'id\n1234567890123456789\n2\n']);
    // Two lines of one number are of two inputs: these stay in the order in which they come.
    const other = lines[0]!.replace('"custom_id":"', '"custom_id":"other-');
    const ofTwo = await folder.run(words, { stdin: [...lines, other, ''].join('\n') });
    expect([ofTwo.exitCode, ofTwo.stdout]).toEqual([0, 'id\n1234567890123456789\n2\nother-1234567890123456789\n']);
  });

  test.each([
    ['', 'standard input contains no results yet'],
    ['{"id":"a","prompt":"x"}\n', 'standard input contains no results'],
  ])('refuses %j on standard input', async (stdin, message) => {
    const folder = await createCliFolder();
    const { exitCode, stderr } = await folder.run(['export', '-'], { stdin });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test.each([
    [['people.results.jsonl', '-o', 'answers.xlsx'], 'names no format'],
    [['people.results.jsonl', '-o', 'answers.json', '--bom'], '--bom is for CSV'],
    [['people.results.jsonl', '--delimiter', '""'], 'Expected one character'],
    [['people.results.jsonl', '--fields', 'nmae'], 'the nearest is "name"'],
    [['people.csv'], 'llmbatch export people.results.jsonl'],
    [['.'], '. is a folder'],
    [['missing.jsonl'], 'no such file: missing.jsonl'],
  ])('refuses %j', async (words, message) => {
    const folder = await finishedRun();
    const files = await readdir(folder.path);
    const { exitCode, stdout, stderr } = await folder.run(['export', ...words]);
    expect([exitCode, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
    expect(await readdir(folder.path)).toEqual(files);
  });

  test.each([
    [['results'], '(Did you mean export?)'],
    [['answers', 'x.jsonl'], '(Did you mean export?)'],
    [['report', 'x.jsonl', '--format', 'csv'], 'llmbatch export <output>'],
    [['merge', 'x.jsonl', '-o', 'all.csv'], 'llmbatch export all.jsonl -o all.csv'],
  ])('is what %j is answered with', async (words, message) => {
    const folder = await createCliFolder();
    const { exitCode, stderr } = await folder.run(words);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
