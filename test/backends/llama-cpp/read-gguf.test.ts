import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as engine from 'node-llama-cpp';
import { expect, test } from 'vitest';
import { readGguf } from '../../../src/backends/llama-cpp/read-gguf.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const fixture = fileURLToPath(new URL('../../../fixtures/tiny-scorer.gguf', import.meta.url));

test('a model file that is whole, cut at any place, empty, or none at all', async () => {
  const folder = await scratchFolder();
  const whole = await readFile(fixture);
  const read = async (bytes: Buffer): Promise<string> => {
    const path = join(folder, 'x.gguf');
    await writeFile(path, bytes);
    const { kind, problem } = await readGguf(engine, path);
    return kind ?? problem?.text ?? '';
  };
  expect(await read(whole)).toBe('chat');
  expect(await read(whole.subarray(0, 300_000))).toBe(
    'x.gguf is cut: it has 293.0 KiB, and its weights take 735.3 KiB at least. The download is incomplete',
  );
  // The beginning of the last weights is there, and not their end.
  expect(await read(whole.subarray(0, -1))).toContain('x.gguf is cut');
  expect(await read(whole.subarray(0, 5000))).toBe(
    "x.gguf is cut or damaged: it has 4.9 KiB, and its header can't be read",
  );
  expect(await read(Buffer.from('<!doctype html>\n'))).toBe(
    String.raw`x.gguf is no GGUF file: it begins with "<!doctype html>\n"`,
  );
  expect(await read(Buffer.alloc(0))).toBe('x.gguf is no GGUF file: it is empty');
});
