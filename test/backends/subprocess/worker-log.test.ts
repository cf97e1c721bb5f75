import { readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { createWorkerLog } from '../../../src/backends/subprocess/worker-log.ts';
import { createRedaction } from '../../../src/text/redaction.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { waitFor } from '../../helpers/wait.ts';

/** The lines that are kept, and the whole file, of what is printed in these pieces. */
async function logOf(pieces: string[], secrets: string[] = []): Promise<{ lines: readonly string[]; file: string }> {
  const file = `${await scratchFolder()}/engine.log`;
  const stream = new PassThrough();
  const log = createWorkerLog([stream], { redact: createRedaction(secrets), file });
  for (const piece of pieces) stream.write(piece);
  stream.end();
  await finished(stream);
  const length = pieces.join('').length;
  const text = await waitFor(async () => {
    const found = await readFile(file, 'utf8');
    if (secrets.length === 0) expect(found).toHaveLength(length);
    else expect(found).toMatch(/end$/);
    return found;
  });
  return { lines: log.lines(), file: text };
}

test('all that is printed comes to the file, and its lines are kept', async () => {
  const pieces = ['one\ntw', 'o\r 50 %\r100 %\n', '\nhalf a line'];
  const { lines, file } = await logOf(pieces);
  expect(file).toBe(pieces.join(''));
  expect(lines).toEqual(['one', 'two', ' 50 %', '100 %', 'half a line']);
});

test('a line without an end is written when it is long, and not kept', async () => {
  const long = 'x'.repeat(70_000);
  const { lines, file } = await logOf([long, ' rest\n']);
  expect(file).toBe(`${long} rest\n`);
  expect(lines).toEqual([' rest']);
});

test('a secret comes neither to the file nor to the lines, though it is printed in pieces', async () => {
  const { lines, file } = await logOf(
    ['token hf_abcd', 'efgh', 'ijkl\rand hf_abcdefghijkl again\nend'],
    ['hf_abcdefghijkl'],
  );
  expect(lines).toEqual(['token [key]', 'and [key] again', 'end']);
  expect(file).toBe('token [key]\rand [key] again\nend');
});
