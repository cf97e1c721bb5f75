import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ResultLine } from '../../src/core/result-line.ts';
import { type BestResultsOptions, readBestResults } from '../../src/journal/read-best-results.ts';
import { collect, scratchFolder } from '../helpers/scratch-folder.ts';
import { completionOf, failed, resultFrom, success, textOf } from './sample-results.ts';

async function bestOf(texts: string[], options?: BestResultsOptions): Promise<ResultLine[]> {
  const folder = await scratchFolder();
  const paths = texts.map((_, index) => join(folder, `${index}.jsonl`));
  await Promise.all(paths.map((path, index) => writeFile(path, texts[index] ?? '')));
  return (await collect(readBestResults(paths, options))).map((line) => JSON.parse(line.toString()) as ResultLine);
}

const short = (lines: ResultLine[]): [string, string | null][] =>
  lines.map(({ custom_id, error }) => [custom_id, error?.code ?? null]);

test('over several outputs the last success of an id counts, else its last failure', async () => {
  const first = textOf([failed({ id: 'a' }), success({ id: 'b', text: 'old' }), failed({ id: 'c' }, 'timeout')]);
  const second = textOf([
    success({ id: 'a' }),
    failed({ id: 'b' }),
    failed({ id: 'c' }, 'refused'),
    success({ id: 'd' }),
  ]);
  const best = await bestOf([first, second]);
  expect(short(best)).toEqual([
    ['a', null],
    ['b', null],
    ['c', 'refused'],
    ['d', null],
  ]);
});

test('they come in the order of their first appearance, or by the lines of the input', async () => {
  const outputs = [textOf([success({ id: 'c' }, 3), success({ id: 'a' }, 1)]), textOf([success({ id: 'b' }, 2)])];
  expect((await bestOf(outputs)).map((line) => line.custom_id)).toEqual(['c', 'a', 'b']);
  expect((await bestOf(outputs, { inputs: [0, 0] })).map((line) => line.custom_id)).toEqual(['a', 'b', 'c']);
});

test('an answer that holds a line number does not move its result', async () => {
  const { body } = completionOf('fine');
  const answer = { status: 'completed' as const, body: { ...body, llmbatch: { line: 1 } } };
  const lines = [
    resultFrom({ verdict: { answer } }, { id: 'second' }, 2),
    success({ id: 'first', row: { llmbatch: { line: 9 } } }, 1),
  ];
  expect((await bestOf([textOf(lines)], { inputs: [0] })).map((line) => line.custom_id)).toEqual(['first', 'second']);
});

test('thousands of lines in two outputs, interleaved, come by the lines of the input', async () => {
  const lines = Array.from({ length: 3000 }, (_, index) => success({ id: `r${index}` }, index + 1));
  const part = (remainder: number): string => textOf(lines.filter((_, index) => index % 2 === remainder).toReversed());
  const best = await bestOf([part(0), part(1)], { inputs: [0, 0] });
  expect(best.map((line) => line.custom_id)).toEqual(lines.map((line) => line.custom_id));
});

test('each id that has a result is told once', async () => {
  const ids: string[] = [];
  const onRequest = (id: string): void => void ids.push(id);
  const outputs = [
    textOf([failed({ id: 'a' }), success({ id: 'b' }), success({ id: 'a' })]),
    textOf([success({ id: 'b' })]),
  ];
  await bestOf(outputs, { onRequest });
  expect(ids).toEqual(['a', 'b']);
});

test('lines of more than some megabytes together, of several outputs, come whole and in order', async () => {
  const long = 'word '.repeat(100_000);
  const lines = Array.from({ length: 30 }, (_, index) =>
    success({ id: `r${index}`, text: `${index} ${long}` }, index + 1),
  );
  const part = (remainder: number): string => textOf(lines.filter((_, index) => index % 3 === remainder));
  const best = await bestOf([part(0), part(1), part(2)], { inputs: [0, 0, 0] });
  expect(best).toEqual(JSON.parse(JSON.stringify(lines)));
});

test('an output cut at any byte of its last line gives the whole ones', async () => {
  const row = { a: { b: { c: {} } }, text: '}}' };
  const [first, last] = [textOf([success({ id: 'a' })]), textOf([success({ id: 'b', row })])];
  const folder = await scratchFolder();
  const path = join(folder, 'out.jsonl');
  const counts = new Set<number>();
  for (let cut = 0; cut < last.length - 1; cut++) {
    await writeFile(path, first + last.slice(0, cut));
    counts.add((await collect(readBestResults([path]))).length);
  }
  expect([...counts]).toEqual([1]);
  await writeFile(path, first + last.trimEnd());
  expect(await collect(readBestResults([path]))).toHaveLength(2);
});

test('damaged lines are left out, and told', async () => {
  let leftOut = 0;
  const output = `rubbish\n${textOf([success({ id: 'a' })])}\0\0\n`;
  expect(short(await bestOf([output], { onLeftOut: () => leftOut++ }))).toEqual([['a', null]]);
  expect(leftOut).toBe(2);
});

test('a file of lines that are all no results is refused; an empty output is none', async () => {
  await expect(bestOf(['{"id":"a","prompt":"x"}\n'])).rejects.toThrow('contains no result');
  expect(await bestOf(['', textOf([success({ id: 'a' })])])).toHaveLength(1);
});

describe('a name that a line has by its number only', () => {
  const byNumber = textOf([success({ id: 'line-1' }, 1)]);

  test('is one request in outputs of one input, and where the inputs are not known', async () => {
    expect(await bestOf([byNumber, byNumber], { inputs: [0, 0] })).toHaveLength(1);
    expect(await bestOf([byNumber, byNumber], { inputs: [null, 1] })).toHaveLength(1);
  });

  test('in outputs of two inputs is refused, for one result would be lost', async () => {
    await expect(bestOf([byNumber, byNumber], { inputs: [0, 1] })).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining('each has a "line-1"'),
    });
  });

  test('does not stand in the way where it is that of a line which never became a request', async () => {
    const bad = textOf([failed({ id: 'line-1' }, 'input', 1)]);
    expect(await bestOf([bad, bad], { inputs: [0, 1] })).toHaveLength(1);
  });

  test('is an id like any other where the row gave it', async () => {
    const given = textOf([success({ id: 'line-1' }, 2)]);
    expect(await bestOf([given, given], { inputs: [0, 1] })).toHaveLength(1);
  });
});

test('a missing output is refused', async () => {
  await expect(collect(readBestResults(['/no/such/output.jsonl']))).rejects.toMatchObject({ name: 'UsageError' });
});
