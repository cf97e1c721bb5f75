import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openOutput, tornPathOf } from '../../src/journal/open-output.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { success, textOf } from './sample-results.ts';

async function opened(
  content: string | Buffer,
): Promise<{ kept: string; torn: string; size: number; tornBytes: number }> {
  const path = join(await scratchFolder(), 'out.jsonl');
  await writeFile(path, content);
  const { handle, size, tornBytes } = await openOutput(path);
  await handle.close();
  const torn = await readFile(tornPathOf(path), 'latin1').catch(() => '');
  return { kept: await readFile(path, 'latin1'), torn, size, tornBytes };
}

test('a missing output is created, with its folders', async () => {
  const path = join(await scratchFolder(), 'new', 'folder', 'out.jsonl');
  const { handle, size, tornBytes } = await openOutput(path);
  await handle.close();
  expect([size, tornBytes, await readFile(path, 'utf8')]).toEqual([0, 0, '']);
});

test('a whole last result, of which an editor took the line feed, gets it back', async () => {
  const text = textOf([success({ id: 'a' }), success({ id: 'ü', text: 'größte' })]);
  const whole = Buffer.from(text);
  expect(await opened(text.trimEnd())).toEqual({
    kept: whole.toString('latin1'),
    torn: '',
    size: whole.length,
    tornBytes: 0,
  });
});

test.each<[string, (text: string) => Buffer]>([
  ['a gzip file', (text) => gzipSync(text)],
  ['UTF-16', (text) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
  ['a JSON array', (text) => Buffer.from(`[${text.trimEnd().replaceAll('\n', ',')}]`)],
  ['indented JSON', (text) => Buffer.from(JSON.stringify(JSON.parse(text.split('\n')[0]!), null, 2))],
])('an output that was rewritten as %s is refused, and left as it is', async (form, rewrite) => {
  const path = join(await scratchFolder(), 'out.jsonl');
  const content = rewrite(textOf([success({ id: 'a' }), success({ id: 'b' })]));
  await writeFile(path, content);
  await expect(openOutput(path)).rejects.toThrow(`${path} was rewritten as ${form}: no result in it can be read`);
  expect(await readFile(path)).toEqual(content);
});

test('a whole output is left as it is', async () => {
  const text = textOf([success({ id: 'a' })]);
  expect(await opened(text)).toEqual({ kept: text, torn: '', size: text.length, tornBytes: 0 });
});

describe('a torn tail', () => {
  test('cut at any byte of the last two lines is kept aside, and nothing before it is lost', async () => {
    const lines = ['{"custom_id":"a"}\n', '{"custom_id":"b","text":"é"}\n', '{"custom_id":"c","error":{}}\n'];
    const whole = Buffer.from(lines.join(''));
    const ends = [1, 2, 3].map((count) => Buffer.byteLength(lines.slice(0, count).join('')));
    for (let cut = ends[0] ?? 0; cut <= whole.length; cut++) {
      const { kept, torn, size, tornBytes } = await opened(whole.subarray(0, cut));
      const end = ends.findLast((lineEnd) => lineEnd <= cut) ?? 0;
      // A whole result that lacks nothing but its line feed.
      const isWhole = cut === whole.length - 1;
      expect([kept, size, tornBytes]).toEqual(
        isWhole ? [whole.toString('latin1'), whole.length, 0] : [whole.toString('latin1', 0, end), end, cut - end],
      );
      if (isWhole) expect(torn).toBe('');
      else expect(torn).toBe(cut === end ? '' : `${whole.toString('latin1', end, cut)}\n`);
    }
  });

  test.each([1, 4096, 65_535, 65_536, 65_537, 300_000])(
    'of %i NULs, as a power cut leaves them, is cut',
    async (count) => {
      const text = textOf([success({ id: 'a' })]);
      const { kept, torn, tornBytes } = await opened(text + '\0'.repeat(count));
      expect([kept, tornBytes, torn.length]).toEqual([text, count, count + 1]);
    },
  );

  test('without any line feed before it leaves an empty output', async () => {
    expect(await opened('{"id":"batch_req')).toMatchObject({ kept: '', size: 0, torn: '{"id":"batch_req\n' });
  });

  test('is added to what was kept of an earlier crash', async () => {
    const path = join(await scratchFolder(), 'out.jsonl');
    for (const tail of ['first', 'second']) {
      await writeFile(path, `line\n${tail}`);
      await (await openOutput(path)).handle.close();
    }
    expect(await readFile(tornPathOf(path), 'utf8')).toBe('first\nsecond\n');
  });
});

test('a folder in the place of the output, or a file in the place of its folder, is said', async () => {
  const folder = await scratchFolder();
  await mkdir(join(folder, 'out.jsonl'));
  await writeFile(join(folder, 'file'), '');
  for (const path of [join(folder, 'out.jsonl'), join(folder, 'file', 'out.jsonl')]) {
    await expect(openOutput(path)).rejects.toMatchObject({
      name: 'JournalError',
      message: expect.stringContaining(`can't open the output ${path}`),
      hint: 'Choose another place with -o.',
    });
  }
});
