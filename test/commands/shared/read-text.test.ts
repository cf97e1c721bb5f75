import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTextFile, textOrFile } from '../../../src/commands/shared/read-text.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const flag = '--system';

async function textOf(bytes: string | Buffer): Promise<string> {
  const path = join(await scratchFolder(), 'rubric.txt');
  await writeFile(path, bytes);
  return readTextFile(flag, path);
}

const utf16 = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, 'utf16le');

describe('a file of a text flag', () => {
  test.each<[string, string | Buffer, string]>([
    ['as it is, its last line end included', 'Be brief.\n', 'Be brief.\n'],
    ['without the mark of Windows', '\uFEFFGrüße', 'Grüße'],
    ['with line feeds alone', 'a\r\nb\rc\n', 'a\nb\nc\n'],
    ['of UTF-16', utf16('Grüße 😀\r\n'), 'Grüße 😀\n'],
    ['of UTF-16 the other way round', utf16('Grüße').swap16(), 'Grüße'],
  ])('is sent %s', async (_name, bytes, wanted) => {
    expect(await textOf(bytes)).toBe(wanted);
  });

  test.each<[string, string | Buffer, string]>([
    ['ANSI', Buffer.from('Grüße', 'latin1'), 'it is not UTF-8 text'],
    ['UTF-16 without a mark', Buffer.from('Be brief.', 'utf16le'), 'it is not UTF-8 text'],
    ['half a character of UTF-16', utf16('\ud800'), 'it is not UTF-8 text'],
    ['empty', '\uFEFF \r\n', 'the file is empty'],
  ])('that is %s is refused', async (_name, bytes, reason) => {
    await expect(textOf(bytes)).rejects.toMatchObject({ name: 'UsageError', message: expect.stringContaining(reason) });
  });

  test('that is not there, or is none, is refused in plain words', async () => {
    const folder = await scratchFolder();
    await mkdir(join(folder, 'a'));
    await expect(readTextFile(flag, join(folder, 'none'))).rejects.toThrow('none: there is no such file');
    await expect(readTextFile(flag, join(folder, 'a'))).rejects.toThrow('a: it is a folder');
    await expect(textOrFile(flag, '@', () => undefined)).rejects.toThrow('there is no such file');
  });
});

describe('the text of a flag', () => {
  const given = async (value: string): Promise<[text: string, notes: string[]]> => {
    const notes: string[] = [];
    return [await textOrFile(flag, value, (text) => notes.push(text)), notes];
  };

  test('is itself, whatever it holds', async () => {
    for (const text of ['Be brief.', '', 'a\0b', 'x'.repeat(10_000)]) expect(await given(text)).toEqual([text, []]);
  });

  test('that names a file is told', async () => {
    const path = join(await scratchFolder(), 'my rubric.txt');
    expect(await given(path)).toEqual([path, []]);
    await writeFile(path, 'Be brief.');
    expect(await given(path)).toEqual([path, [`--system: ${path} is a file here: '@${path}' sends its text`]]);
    expect(await given(`@${path}`)).toEqual(['Be brief.', []]);
  });
});
