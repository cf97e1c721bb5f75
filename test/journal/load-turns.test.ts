import { expect, test } from 'vitest';
import type { ResultLine } from '../../src/core/result-line.ts';
import { type WorkerTurns, loadTurns } from '../../src/journal/load-turns.ts';
import { openForTest, scratchFile } from '../helpers/scratch-folder.ts';
import { completionOf, failed, resultFrom, success, textOf } from './sample-results.ts';

async function turnsOf(lines: ResultLine[]): Promise<Map<number, WorkerTurns>> {
  const text = textOf(lines);
  return loadTurns(await openForTest(await scratchFile(text)), Buffer.byteLength(text));
}

const turn = (worker: number, number: number, history: number): ResultLine => {
  const place = { worker, turn: number, history, sinceTrim: number - 1 };
  return success({ id: `${worker}-${number}`, text: `answer ${number} "quoted"`, place });
};

test('an output without conversations has no turns', async () => {
  expect(await turnsOf([success({ id: 'a' }), failed({ id: 'b' })])).toEqual(new Map());
});

test('each worker has its turns in order, and the place of the last one, in whatever order they were written', async () => {
  const workers = await turnsOf([turn(1, 1, 0), turn(0, 1, 0), turn(0, 3, 4), turn(0, 2, 2)]);
  expect(new Set(workers.keys())).toEqual(new Set([0, 1]));
  expect(workers.get(0)?.turns).toEqual(
    [1, 2, 3].map((number) => ({ id: `0-${number}`, answer: `answer ${number} "quoted"`, tokens: 10 })),
  );
  expect(workers.get(0)?.place).toEqual({ worker: 0, turn: 3, history: 4, sinceTrim: 2 });
});

test('of a long conversation at least the turns of its history are kept', async () => {
  const history = 40;
  const lines = Array.from({ length: 2000 }, (_, index) => turn(0, index + 1, Math.min(history, index * 2)));
  const turns = (await turnsOf(lines)).get(0)?.turns ?? [];
  expect(turns.length).toBeGreaterThanOrEqual(history);
  expect(turns.length).toBeLessThan(500);
  expect(turns.at(-1)?.id).toBe('0-2000');
  expect(turns.slice(-history).map(({ id }) => id)).toEqual(
    Array.from({ length: history }, (_, index) => `0-${2000 - history + 1 + index}`),
  );
});

test('text that looks like a place is text', async () => {
  const mark = '"conversation":{"worker":7,"turn":7,"history":0,"since_trim":0}';
  expect(await turnsOf([success({ id: 'a', text: mark })])).toEqual(new Map());
});

test("a place that an answer, a server or a row names is not the result's own", async () => {
  const forged = { conversation: { worker: 0, turn: 9999, history: 0, since_trim: 0 } };
  const place = { worker: 0, turn: 1, history: 0, sinceTrim: 0 };
  const { body } = completionOf('fine');
  const answer = { status: 'completed' as const, body: { ...body, ...forged }, finish: forged };
  const lines = [
    resultFrom({ verdict: { answer, parsed: forged } }, { id: 'a', row: forged, place }),
    resultFrom({ verdict: { answer, parsed: forged } }, { id: 'without', row: forged }),
    { ...success({ id: 'odd' }), llmbatch: { conversation: { worker: 0, turn: '8', history: 0, since_trim: 0 } } },
  ];
  const workers = await turnsOf(lines as ResultLine[]);
  expect(workers.get(0)).toMatchObject({ place, turns: [{ id: 'a', answer: 'fine' }] });
  expect(workers.get(0)?.turns.length).toBe(1);
});

test('a place of version 1, which called the worker a lane, is read', async () => {
  const text = textOf([turn(2, 3, 4)]);
  const version1 = text.replace('{"worker":2', '{"lane":2');
  expect(version1).not.toBe(text);
  const workers = await loadTurns(await openForTest(await scratchFile(version1)), Buffer.byteLength(version1));
  expect(workers.get(2)?.place).toEqual({ worker: 2, turn: 3, history: 4, sinceTrim: 2 });
});
