import { expect, test } from 'vitest';
import { createDispatch } from '../../../../src/backends/vllm/replicas/dispatch.ts';

const allUp = (): boolean => true;

function seatsOf(count: number): { inFlight: number }[] {
  return Array.from({ length: count }, () => ({ inFlight: 0 }));
}

test('requests of one system prompt stay together while there is little to do', () => {
  const choose = createDispatch(seatsOf(3));
  expect([choose('a', allUp), choose('a', allUp), choose('a', allUp)]).toEqual([0, 0, 0]);
});

test('another system prompt goes to the engine that has the least', () => {
  const seats = seatsOf(3);
  const choose = createDispatch(seats);
  const take = (prompt: string): number => {
    const seat = choose(prompt, allUp);
    seats[seat]!.inFlight++;
    return seat;
  };
  expect([take('a'), take('b'), take('c'), take('a'), take('b')]).toEqual([0, 1, 2, 0, 1]);
});

test('one system prompt for all is spread evenly, and none is idle', () => {
  const seats = seatsOf(4);
  const choose = createDispatch(seats);
  for (let request = 0; request < 1000; request++) seats[choose('all', allUp)]!.inFlight++;
  const loads = seats.map(({ inFlight }) => inFlight).toSorted((a, b) => a - b);
  expect(loads.reduce((sum, load) => sum + load)).toBe(1000);
  expect(loads.at(-1)! / loads[0]!).toBeLessThan(1.35);
});

test('an engine that is down gets nothing, unless all are', () => {
  const seats = seatsOf(2);
  const choose = createDispatch(seats);
  choose('a', allUp);
  expect(choose('a', (seat) => seat === 1)).toBe(1);
  expect(choose('a', () => false)).toBe(0);
  seats[0]!.inFlight = 3;
  // Its home is up again, and not far ahead.
  expect(choose('a', allUp)).toBe(0);
});

test('as many system prompts as requests are forgotten again', () => {
  const seats = seatsOf(2);
  const choose = createDispatch(seats);
  for (let prompt = 0; prompt < 25_000; prompt++) seats[choose(String(prompt), allUp)]!.inFlight++;
  expect(Math.abs(seats[0]!.inFlight - seats[1]!.inFlight)).toBeLessThanOrEqual(1);
});
