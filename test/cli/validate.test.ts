import { describe, expect, test } from 'vitest';
import { createCliFolder, prompts } from '../helpers/run-cli.ts';

describe('llmbatch validate', () => {
  test('names every bad line with its reason, and exits 2', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', `${prompts(2)}not JSON\n{"id":"r1","prompt":"again"}\n`);
    const text = await folder.run(['validate', 'in.jsonl', '-m', 'mock']);
    const json = await folder.run(['validate', 'in.jsonl', '-m', 'mock', '--json']);
    expect([text.exitCode, json.exitCode]).toEqual([2, 2]);
    expect(text.stdout).toMatch(/^line 3: not JSON/m);
    expect(text.stdout).toMatch(/^line 4: the id "r1" was seen before, on line 1$/m);
    expect(JSON.parse(json.stdout)).toMatchObject({
      lines: 4,
      requests: 2,
      rejected: 2,
      models: ['mock'],
      bad_lines: [
        { line: 3, id: 'line-3' },
        { line: 4, id: 'line-4' },
      ],
    });
  });

  test('tells a reason that many lines share once, with all of them', async () => {
    const folder = await createCliFolder();
    await folder.write('in.csv', 'id,city\n1,\n2,\n3,Bonn\n4,\n5,Rome,x\n6,Bonn\n');
    const { stdout } = await folder.run(['validate', 'in.csv', '-m', 'mock', '--prompt-template', '{{city}}']);
    expect(stdout).toMatch(
      /^lines 2 to 3, 5 \(3\): the field "city" is empty .*\nline 6: .*\nin\.csv: 2 requests, 4 rejected/,
    );
  });

  test('of a good input exits 0 and leaves nothing behind, from standard input too', async () => {
    const folder = await createCliFolder();
    const { exitCode, stdout } = await folder.run(['validate', '-', '-m', 'mock', '--json'], { stdin: prompts(7) });
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([
      0,
      { requests: 7, rejected: 0, system_prompts: { count: 1 } },
    ]);
  });
});

describe('the report of llmbatch validate', () => {
  test('says nothing of what there is not, and counts in words', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', '{"prompt":"a"}\n');
    const { stdout } = await folder.run(['validate', 'in.jsonl', '-m', 'mock']);
    expect(stdout).toBe(
      [
        'in.jsonl: 1 request, 0 rejected lines',
        'form: JSONL',
        'models: mock',
        'system prompts: none',
        'longest prompts:',
        '  line 1, line-1: 1 character',
        '15 bytes',
        'Run it with: llmbatch run in.jsonl --model mock',
        '',
      ].join('\n'),
    );
  });

  test('takes a missing -m for no fault of a line', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', '{"prompt":"a"}\n{"prompt":"b","model":"big"}\n');
    const { exitCode, stdout } = await folder.run(['validate', 'in.jsonl']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('in.jsonl: 2 requests, 0 rejected lines\n');
    expect(stdout).toContain('models: big; for lines that name none, run needs -m MODEL\n');
    expect(stdout).toContain('Run it with: llmbatch run in.jsonl -m MODEL\n');
    const json = await folder.run(['validate', 'in.jsonl', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ models: ['big'], needs_model: true, rejected: 0 });
  });

  test('names the form that was found, with the columns of a table', async () => {
    const folder = await createCliFolder();
    await folder.write('in.csv', 'sep=;\nid;prompt;;x;\n1;a;b;c;\n');
    const text = await folder.run(['validate', 'in.csv', '-m', 'mock']);
    expect(text.stdout).toContain('form: CSV with ; (4 columns: id, prompt, column C, x)\n');
    const json = await folder.run(['validate', '-', '-m', 'mock', '--format', 'tsv', '--json'], {
      stdin: 'prompt\tx\na\tb\n',
    });
    expect(JSON.parse(json.stdout)).toMatchObject({
      form: 'tsv',
      table: { delimiter: '\t', columns: ['prompt', 'x'] },
    });
    await folder.write('in.json', '[{"prompt":"a"}]');
    expect((await folder.run(['validate', 'in.json', '-m', 'mock'])).stdout).toContain('form: a JSON array\n');
  });

  test('tells of keys that are almost those of a request, and of no field of a template', async () => {
    const folder = await createCliFolder();
    const row = '{"prompt":"a","temprature":1,"note":"x"}\n';
    await folder.write('in.jsonl', `{"prompt":"b","max_tokens":"ten"}\n${row}${row}`);
    const plain = await folder.run(['validate', 'in.jsonl', '-m', 'mock']);
    expect(plain.stdout).toContain('line 1: "max_tokens" is "ten", not a whole number\n');
    const told =
      'warning: "temprature" is not a key of a request (2 requests, first on line 2): did you mean "temperature"?';
    expect([plain.exitCode, plain.stdout]).toEqual([2, expect.stringContaining(`${told}\n`)]);
    const filled = await folder.run([
      'validate',
      'in.jsonl',
      '-m',
      'mock',
      '--prompt-template',
      '{{prompt}}',
      '--json',
    ]);
    expect([filled.exitCode, JSON.parse(filled.stdout)]).toMatchObject([2, { requests: 2, misspelt_keys: [] }]);
  });
});

describe('llmbatch validate of a hostile or mistaken input', () => {
  test('prints no control characters', async () => {
    const folder = await createCliFolder();
    const row = { id: 'a\u001B[31mb\u009B', prompt: 'hello', system: 'be \u202Ebrief' };
    await folder.write('in.jsonl', `${JSON.stringify(row)}\n${JSON.stringify(row)}\nx\u001B[2J\n`);
    const { stdout } = await folder.run(['validate', 'in.jsonl', '-m', 'mock']);
    expect(stdout).toContain('[31mb');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}/u);
  });

  test('tells how to read a CSV that was piped in', async () => {
    const folder = await createCliFolder();
    const stdin = 'name,city\nAda,Rome\n';
    const plain = await folder.run(['validate', '-', '-m', 'mock'], { stdin });
    const told = await folder.run(
      ['validate', '-', '-m', 'mock', '--format', 'csv', '--prompt-template', 'Hi {{name}}'],
      { stdin },
    );
    expect([plain.exitCode, told.exitCode]).toEqual([2, 0]);
    expect(plain.stderr).toMatch(/add --format csv\n$/);
    expect(told.stdout).not.toContain('add --format');
  });
});

describe('a command that another one proposes', () => {
  test('has the flags of the one that was typed', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', '{"name":"a"}\n');
    const flags = ['-m', 'mock', '--system', "it's", '--stop=-', '--prompt-template', '{{town}}'];
    const run = await folder.run(['run', 'in.jsonl', '-b', 'mock', '--workers', '3', ...flags]);
    const hint = String.raw`llmbatch validate in.jsonl --backend mock --model mock --system 'it'\''s' --stop=- --prompt-template '{{town}}'`;
    expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining(`See all of them with: ${hint}\n`)]);
  });

  test('is the run of an input in which nothing is wrong, which it can carry out', async () => {
    const folder = await createCliFolder();
    await folder.write('in.csv', 'name\nAda\n');
    const { stdout } = await folder.run(['validate', 'in.csv', '-m', 'mock', '--prompt-template', 'Hi {{name}}']);
    expect(stdout).toMatch(/^Run it with: llmbatch run in.csv --model mock --prompt-template 'Hi \{\{name\}\}'$/m);
    const bad = await folder.run(['validate', 'in.csv', '-m', 'mock', '--prompt-template', 'Hi {{town}}']);
    expect(bad.stdout).not.toContain('Run it with');
  });
});
