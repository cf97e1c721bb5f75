import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CliFolder, createCliFolder, mock } from '../helpers/run-cli.ts';

/** Messages of the first request, as `--dry-run` shows them. */
async function firstMessages(folder: CliFolder, args: string[]): Promise<{ role: string; content: string }[]> {
  const { stdout } = await folder.run(['run', ...args, '--dry-run', '--json', ...mock()]);
  return JSON.parse(stdout).first_request.body.messages;
}

describe('a text from a file', () => {
  test('is sent without the marks and the line ends of Windows', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', '{"id":"a","text":"ok"}\n');
    await folder.write('template.txt', '\uFEFFClassify: {{text}}\r\nAnswer:\r\n');
    await writeFile(folder.at('system.txt'), Buffer.from('\uFEFFYou are brief.\r\n', 'utf16le'));
    const flags = ['--system', '@system.txt', '--prompt-template', '@template.txt'];
    expect(await firstMessages(folder, ['in.jsonl', ...flags])).toEqual([
      { role: 'system', content: 'You are brief.\n' },
      { role: 'user', content: 'Classify: ok\nAnswer:\n' },
    ]);
  });

  test('whose name is given without @ is told, once for a queue', async () => {
    const folder = await createCliFolder();
    await folder.write('a.jsonl', '{"prompt":"Hi"}\n');
    await folder.write('b.jsonl', '{"prompt":"Hi"}\n');
    await folder.write('rubric.txt', 'Be brief.');
    const note = '--system: rubric.txt is a file here: @rubric.txt sends its text';
    for (const more of [[], ['--progress', 'json']]) {
      const args = ['run', 'a.jsonl', 'b.jsonl', ...mock(), '--overwrite', '--system', 'rubric.txt', ...more];
      const { stderr, exitCode } = await folder.run(args);
      expect([exitCode, stderr.split(note)]).toEqual([0, [expect.any(String), expect.any(String)]]);
    }
  });

  test('that is no text ends each command that takes it, in plain words', async () => {
    const folder = await createCliFolder();
    await folder.write('a.jsonl', '{"prompt":"Hi"}\n');
    await writeFile(folder.at('ansi.txt'), Buffer.from('Grüße', 'latin1'));
    for (const command of ['run', 'validate', 'bench']) {
      const { stderr, exitCode } = await folder.run([command, 'a.jsonl', '-m', 'mock', '--system', '@ansi.txt']);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--system: ansi.txt: it is not UTF-8 text')]);
    }
  });
});

describe('the row of a template', () => {
  const row = '{"id":1, "tweet":1790000000000000123,"name":"Ada","2":1.10,"1":1e3}';

  test('stays whole with its result, to the letter, also where it failed', async () => {
    const folder = await createCliFolder();
    const bad = '{"id":2,"city":"Lima","tweet":1790000000000000124}';
    await folder.write('in.jsonl', `${row}\r\n${bad}\n{"id":3,"name":"Bo","n":1.0}\n{"id":3,"name":"Bo","n":2.0}\n`);
    const faults = mock('fault_rate=0.3', 'fault_kinds=bad-request');
    const { exitCode } = await folder.run(['run', 'in.jsonl', '--prompt-template', 'Say {{name}}', ...faults]);
    const results = (await folder.text('in.results.jsonl')).trimEnd().split('\n');
    expect([exitCode, results.map((line) => /"row":(.*)\}\}$/.exec(line)?.[1])]).toEqual([
      3,
      [row, bad, '{"id":3,"name":"Bo","n":1.0}', '{"id":3,"name":"Bo","n":2.0}'],
    ]);
  });

  test('goes through resume and merge as it is', async () => {
    const folder = await createCliFolder();
    const rows = Array.from({ length: 4 }, (_, index) => row.replace('"id":1', `"id":${index}`));
    await folder.write('in.jsonl', `${rows.join('\n')}\n`);
    const args = ['in.jsonl', '--prompt-template', 'Say {{name}}', ...mock()];
    await folder.run(['run', ...args]);
    await folder.write('in.jsonl', `${rows.join('\n')}\n${row.replace('"id":1', '"id":9')}\n`);
    expect((await folder.run(['run', ...args])).exitCode).toBe(0);
    await folder.run(['merge', 'in.results.jsonl', '-o', 'all.jsonl']);
    const merged = await folder.text('all.jsonl');
    expect(merged).toBe(await folder.text('in.results.jsonl'));
    expect(merged.match(/"row":\{"id":\d, "tweet":1790000000000000123,/g)).toHaveLength(5);
  });
});

describe('a prompt template', () => {
  const rows =
    '{"id":"r1","text":"good","tweet":1790000000000000123,"price":1.10}\n{"id":"r2","text":null}\n{"id":"r3","text":" "}\n';

  test('that prints no field is refused by each command before anything is sent', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', rows);
    await folder.write('in.csv', 'text\ngood\n');
    await folder.write('messages.jsonl', '{"messages":[{"role":"user","content":"Hi"}],"text":"x"}\n');
    const before = await readdir(folder.path);
    const template = ['--prompt-template', 'Classify: {text}'];
    const all = [
      ...['in.jsonl', 'in.csv', 'messages.jsonl'].map((input) => ['run', input, ...mock(), ...template]),
      ['run', 'in.jsonl', ...mock(), '--dry-run', ...template],
      ['run', 'in.jsonl', ...mock(), '--estimate', ...template],
      ['validate', 'in.jsonl', ...template],
      ['bench', 'in.jsonl', '-b', 'mock', '-m', 'mock', ...template],
    ];
    for (const args of all) {
      const { exitCode, stderr } = await folder.run(args);
      expect([args[0], exitCode, stderr]).toEqual([
        args[0],
        2,
        expect.stringContaining('--prompt-template prints no field: did you mean {{text}}?'),
      ]);
    }
    const { exitCode, stdout } = await folder.run(['run', '-', ...mock(), ...template], { stdin: rows });
    expect([exitCode, stdout, await readdir(folder.path)]).toEqual([2, '', before]);
  });

  test('prints numbers as they are written, and refuses null and empty fields', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', rows);
    const flags = ['--prompt-template', '{{text}} {{#tweet}}{{tweet}} {{price}}{{/tweet}} of {name}{id}', ...mock()];
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', ...flags]);
    const results = await folder.results('in.results.jsonl');
    expect(
      results.map(({ error, response }) => error?.message ?? response?.body.choices?.[0]?.message?.content),
    ).toEqual([
      'good 1790000000000000123 1.10 of {name}{id}',
      'line 2: the field "text" is null (--allow-empty-fields sends it anyway)',
      'line 3: the field "text" is empty (--allow-empty-fields sends it anyway)',
    ]);
    expect([exitCode, stderr.split('{id} is sent as it is: {{id}} prints the field')]).toEqual([
      3,
      [expect.any(String), expect.any(String)],
    ]);
    const allowed = await folder.run(['run', 'in.jsonl', '-o', 'all.jsonl', '--allow-empty-fields', ...flags]);
    expect([allowed.exitCode, (await folder.results('all.jsonl')).length]).toEqual([0, 3]);
  });

  test('made of sections that no row has is refused', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', rows);
    const args = ['run', 'in.jsonl', '--prompt-template', 'Classify{{#txet}} {{txet}}{{/txet}}', ...mock()];
    const { exitCode, stderr } = await folder.run(args);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('prints no field of any row: no field "txet"')]);
  });
});

test('--dry-run tells of bad lines as a run would, and shows a prompt as it is sent', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', '{"id":1,"text":null}\n{"id":2,"text":"good","n":1.10}\n');
  const run = (...flags: string[]) => folder.run(['run', 'in.jsonl', '--dry-run', '--json', ...mock(), ...flags]);
  const told = 'line 1: the field "text" is null';
  const partly = await run('--prompt-template', '{{text}}, {id}');
  expect([partly.exitCode, partly.stderr]).toEqual([
    0,
    expect.stringContaining(`1 of 2 lines is not a valid request and becomes a failed result (${told}`),
  ]);
  expect(partly.stderr).toContain('{id} is sent as it is: {{id}} prints the field');
  expect(JSON.parse(partly.stdout)).toMatchObject({
    rejected: 1,
    first_request: {
      id: '2',
      line: 2,
      endpoint: '/v1/chat/completions',
      body: { messages: [{ role: 'user', content: 'good, {id}' }], model: 'mock' },
    },
  });
  expect(Object.keys(JSON.parse(partly.stdout).first_request)).toEqual(['id', 'line', 'endpoint', 'body']);
  for (const flags of [
    ['--prompt-template', '{{txt}}'],
    ['--prompt-template', '{{text}}', '--strict'],
  ]) {
    const { exitCode, stdout, stderr } = await run(...flags);
    expect([exitCode, stdout, stderr]).toEqual([
      2,
      '',
      expect.stringMatching(/See all of them with: llmbatch validate in\.jsonl/),
    ]);
  }
});
