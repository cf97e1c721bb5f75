import { writeFile } from 'node:fs/promises';
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
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--system: ansi.txt: it is no text in UTF-8')]);
    }
  });
});
