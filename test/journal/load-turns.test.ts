import { expect, test } from 'vitest';
import type { ResultLine } from '../../src/core/result-line.ts';
import { type LaneTurns, loadTurns } from '../../src/journal/load-turns.ts';
import { openForTest, scratchFile } from '../helpers/scratch-folder.ts';
import { completionOf, failed, resultFrom, success, textOf } from './sample-results.ts';

async function turnsOf(lines: ResultLine[]): Promise<Map<number, LaneTurns>> {
  const text = textOf(lines);
  return loadTurns(await openForTest(await scratchFile(text)), Buffer.byteLength(text));
}

const turn = (lane: number, number: number, history: number): ResultLine => {
  const place = { lane, turn: number, history, since_trim: number - 1 };
  return success({ id: `${lane}-${number}`, text: `answer ${number} "quoted"`, place });
};

test('an output without conversations has no turns', async () => {
  expect(await turnsOf([success({ id: 'a' }), failed({ id: 'b' })])).toEqual(new Map());
});

test('each worker has its turns in order, and the place of the last one, in whatever order they were written', async () => {
  const lanes = await turnsOf([turn(1, 1, 0), turn(0, 1, 0), turn(0, 3, 4), turn(0, 2, 2)]);
  expect(new Set(lanes.keys())).toEqual(new Set([0, 1]));
  expect(lanes.get(0)?.turns).toEqual(
    [1, 2, 3].map((number) => ({ id: `0-${number}`, answer: `answer ${number} "quoted"`, tokens: 10 })),
  );
  expect(lanes.get(0)?.place).toEqual({ lane: 0, turn: 3, history: 4, since_trim: 2 });
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
  const mark = '"conversation":{"lane":7,"turn":7,"history":0,"since_trim":0}';
  expect(await turnsOf([success({ id: 'a', text: mark })])).toEqual(new Map());
});

test("a place that an answer, a server or a row names is not the result's own", async () => {
  const forged = { conversation: { lane: 0, turn: 9999, history: 0, since_trim: 0 } };
  const place = { lane: 0, turn: 1, history: 0, since_trim: 0 };
  const { body } = completionOf('fine');
  const answer = { status: 'completed' as const, body: { ...body, ...forged }, finish: forged };
  const lines = [
    resultFrom({ verdict: { answer, parsed: forged } }, { id: 'a', row: forged, place }),
    resultFrom({ verdict: { answer, parsed: forged } }, { id: 'without', row: forged }),
    { ...success({ id: 'odd' }), llmbatch: { conversation: { lane: 0, turn: '8', history: 0, since_trim: 0 } } },
  ];
  const lanes = await turnsOf(lines as ResultLine[]);
  expect(lanes.get(0)).toMatchObject({ place, turns: [{ id: 'a', answer: 'fine' }] });
  expect(lanes.get(0)?.turns.length).toBe(1);
});
