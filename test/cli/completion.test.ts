import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createCliFolder } from '../helpers/run-cli.ts';

/** A folder with two files and a folder in it, and what bash offers there for the last word of a command line. */
async function openBash() {
  const folder = await createCliFolder();
  const { stdout: script } = await folder.run(['completion', 'bash']);
  await folder.write('my requests.jsonl', '');
  await folder.write('rubric.txt', '');
  await mkdir(folder.at('models'));
  const show = `COMP_WORDS=(llmbatch "$@"); COMP_CWORD=$#; _llmbatch; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return async (...words: string[]): Promise<string[]> => {
    const bash = promisify(execFile)('bash', ['-c', `${script}\n${show}`, 'bash', ...words], { cwd: folder.path });
    const { stdout, stderr } = await bash;
    expect(stderr).toBe('');
    return stdout.split('\n').filter((line) => line !== '');
  };
}

describe('llmbatch completion', () => {
  test('offers commands, flags and the values of a flag in bash', async () => {
    const offered = await openBash();
    expect(await offered('re')).toEqual(['resume', 'report']);
    expect(await offered('run', '--max-')).toEqual(['--max-tokens', '--max-error-rate']);
    expect(await offered('status', '--')).toEqual(['--watch', '--json', '--help-all', '--help']);
    expect(await offered('run', 'x.jsonl', '--mode', '')).toEqual(['auto', 'independent', 'conversation']);
    expect(await offered('run', '-b', 'o')).toEqual(['ollama', 'openai']);
    expect(await offered('help', 'ex')).toEqual(['export', 'exit-codes']);
    expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  test('takes --flag=value for what bash makes of it, three words', async () => {
    const offered = await openBash();
    expect(await offered('run', '--mode', '=')).toEqual(['auto', 'independent', 'conversation']);
    expect(await offered('run', '--mode', '=', 'ind')).toEqual(['independent']);
  });

  test('offers paths where a path is wanted, and nothing where a number or a text is', async () => {
    const offered = await openBash();
    expect(await offered('run', 'm')).toEqual(expect.arrayContaining(['my requests.jsonl', 'models']));
    expect(await offered('resume', '-o', 'r')).toEqual(['rubric.txt']);
    expect(await offered('run', '--schema', 'r')).toEqual(['rubric.txt']);
    expect(await offered('run', '--system', '@r')).toEqual(['@rubric.txt']);
    expect(await offered('run', '--seed', '')).toEqual([]);
    expect(await offered('doctor', '')).toEqual([]);
  });

  test('knows every flag that the help of a command has', async () => {
    const offered = await openBash();
    const folder = await createCliFolder();
    for (const command of ['run', 'bench', 'export']) {
      const { stdout: help } = await folder.run([command, '--help-all']);
      const flags = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
      expect(flags.length).toBeGreaterThan(5);
      expect(await offered(command, '-')).toEqual(
        expect.arrayContaining(flags.filter((flag) => flag !== '--help-all')),
      );
    }
  });

  test('is made for zsh and fish too, and refused for others', async () => {
    const folder = await createCliFolder();
    const [zsh, fish, other] = await Promise.all(
      ['zsh', 'fish', 'tcsh'].map((shell) => folder.run(['completion', shell])),
    );
    expect(zsh?.stdout).toContain("'*--mode[how requests that share a system prompt are sent]:value:(auto independent");
    expect(zsh?.stdout).toContain("'*'{-o,--output}'[");
    expect(fish?.stdout).toMatch(/from run' -l mode -d '[^']+' -r -f -a 'auto independent conversation'$/m);
    expect(other).toMatchObject({ exitCode: 2, stdout: '' });
    expect(other?.stderr).toContain('Allowed choices are bash, zsh, fish.');
  });
});
