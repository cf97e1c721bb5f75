import { symlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CliFolder, createCliFolder, mock } from '../helpers/run-cli.ts';

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
});
