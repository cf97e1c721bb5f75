import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { createCliFolder } from '../helpers/run-cli.ts';
import { exampleFilesOf, llmbatchCommandsIn, onMock, quickStartsOf } from './quick-starts.ts';

let readme = '';

beforeAll(async () => {
  readme = await readFile('README.md', 'utf8');
});

/** Runs the commands of a quick start on mock, in a folder with the files that the README shows, and returns the last stdout. */
async function runOnMock(commands: readonly string[][], parsed: string): Promise<{ table: string; exitCode: number }> {
  const folder = await createCliFolder();
  for (const { name, text } of exampleFilesOf(readme)) await folder.write(name, text);
  let table = '';
  let exitCode = 0;
  for (const command of commands) {
    const run = await folder.run(onMock(command, parsed));
    exitCode = Math.max(exitCode, run.exitCode ?? 1);
    const output = command.indexOf('-o');
    table = output === -1 ? run.stdout : await folder.text(command[output + 1]!);
  }
  return { table, exitCode };
}

const idsAndHeader = (table: string): string[] => {
  const [header = '', ...rows] = table.trim().split(/\r?\n/);
  return [header, ...rows.map((row) => row.split(',')[0] ?? '')];
};

describe('the quick starts of the README', () => {
  test.each(['I have Ollama', 'I have a GGUF file', 'I have a GPU and vLLM', 'I have a table'])(
    '%s: ends in the table that is shown',
    async (title) => {
      const { code, shown } = quickStartsOf(readme).find((start) => start.title === title) ?? { code: '', shown: '' };
      const commands = llmbatchCommandsIn(code);
      expect(commands.map(([name]) => name)).toEqual(['run', 'export']);
      const { table, exitCode } = await runOnMock(commands, '{"verdict":"positive"}');
      expect(exitCode).toBe(0);
      expect(idsAndHeader(table)).toEqual(idsAndHeader(shown));
      expect(idsAndHeader(table)).toHaveLength(4);
    },
  );

  test('need at most five lines each', () => {
    for (const { title, code } of quickStartsOf(readme))
      expect([title, code.trim().split('\n').length <= 5]).toEqual([title, true]);
  });

  test('show a table that a wrong command would not end in', async () => {
    const { table, exitCode } = await runOnMock(
      [
        ['run', 'questions.jsonl', '-m', 'x', '--limit', '1'],
        ['export', 'questions.results.jsonl'],
      ],
      '',
    );
    expect(exitCode).toBe(0);
    expect(idsAndHeader(table)).toEqual(['id,answer,error_code,error_message,prompt_tokens,completion_tokens', 'jp']);
  });
});

test('a command of a document is read as a shell reads it', () => {
  const code = "export A=b\nllmbatch run x.csv --system 'Is it?' \\\n  --schema '{\"a\": 1}'    # why\nollama pull m\n";
  expect(llmbatchCommandsIn(code)).toEqual([['run', 'x.csv', '--system', 'Is it?', '--schema', '{"a": 1}']]);
});
