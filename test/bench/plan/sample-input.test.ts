import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { bundledCandidates, openSource } from '../../../src/bench/plan/sample-input.ts';
import { defaultAnswerSettings } from '../../../src/core/settings.ts';
import { scratchFile, scratchFolder } from '../../helpers/scratch-folder.ts';

interface Line {
  id?: string;
  custom_id?: string;
  [key: string]: unknown;
}

/** The lines of a sample. */
async function sample(
  path: string,
  size: number,
  options: { settings?: object; offset?: number; order?: 'input' | 'spread' } = {},
): Promise<Line[]> {
  const folder = await scratchFolder();
  const settings = { ...defaultAnswerSettings, model: 'mock', ...options.settings };
  const stop = new AbortController().signal;
  const source = await openSource(path, settings, { folder, stdin: Readable.from([]), stop });
  try {
    await source.write(join(folder, 'sample.jsonl'), size, options);
  } finally {
    await source.close();
  }
  const text = await readFile(join(folder, 'sample.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => `{"id":"r${index}","prompt":"question ${index}"}\n`).join('');

describe('a sample', () => {
  test('is spread evenly, in the order of the input, and the same each time', async () => {
    const path = await scratchFile(lines(100));
    const ids = (await sample(path, 5)).map(({ id }) => id);
    expect(ids).toEqual(['r0', 'r20', 'r40', 'r60', 'r80']);
    expect((await sample(path, 5)).map(({ id }) => id)).toEqual(ids);
    expect((await sample(path, 5, { offset: 0.5 })).map(({ id }) => id)).toEqual(['r10', 'r30', 'r50', 'r70', 'r90']);
  });

  test('in spread order has the same requests, and any beginning of it is spread over the file', async () => {
    const path = await scratchFile(lines(640));
    const ids = (await sample(path, 640, { order: 'spread' })).map(({ id = '' }) => id);
    expect(new Set(ids).size).toBe(640);
    const places = ids.map((id) => Number(id.slice(1)) / 640);
    for (const count of [100, 200, 300, 500]) {
      const mean = places.slice(0, count).reduce((sum, place) => sum + place, 0) / count;
      expect(Math.abs(mean - 0.5)).toBeLessThan(0.13);
    }
  });

  test('of more requests than there are repeats them, under ids of their own', async () => {
    const path = await scratchFile(`${lines(3)}{"id":"r1~2","prompt":"?"}\n`);
    const ids = (await sample(path, 10)).map(({ id }) => id);
    expect(ids).toEqual(['r0', 'r1', 'r2', 'r1~2', 'r0~2', 'r1~2~', 'r2~2', 'r1~2~2', 'r0~3', 'r2~3']);
    expect(new Set(ids).size).toBe(10);
  });

  test('writes out the id that a line has by its number, and leaves bad lines out', async () => {
    const path = await scratchFile(
      '\uFEFF{"prompt":"a"}\nnot JSON\n{"prompt":"c","custom_id":null}\n{"id":7,"prompt":"d"}\n',
    );
    expect(await sample(path, 3)).toEqual([
      { prompt: 'a', id: 'line-1' },
      { prompt: 'c', custom_id: null, id: 'line-3' },
      { prompt: 'd', id: '7' },
    ]);
  });

  test('of a CSV has its rows as JSON', async () => {
    const path = await scratchFile('name,skill\nAda,python\nBob,java\n', 'people.csv');
    const settings = { format: 'csv', promptTemplate: '{{name}}: {{skill}}' };
    expect(await sample(path, 2, { settings })).toEqual([
      { name: 'Ada', skill: 'python', id: 'line-2' },
      { name: 'Bob', skill: 'java', id: 'line-3' },
    ]);
  });

  test('of the bundled candidates keeps the expected answers', async () => {
    const [first] = await sample(bundledCandidates, 600, { settings: { model: null } });
    expect(first).toMatchObject({ custom_id: 'candidate-0001', expected: { verdict: 'maybe' } });
  });

  test('of a file without a valid request is refused', async () => {
    const path = await scratchFile('{"nothing":\n');
    await expect(sample(path, 1)).rejects.toThrow('no line is a valid request: line 1: not JSON');
    const unnamed = await scratchFile('{"prompt":"hi"}\n');
    const settings = { model: null };
    await expect(sample(unnamed, 1, { settings })).rejects.toThrow('line 1: no model: add -m');
    await expect(sample(await scratchFile(''), 1)).rejects.toThrow('has no requests');
  });
});
