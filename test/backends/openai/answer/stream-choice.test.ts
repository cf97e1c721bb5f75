import { expect, test } from 'vitest';
import { createStreamChoice } from '../../../../src/backends/openai/answer/stream-choice.ts';

/** How many of so many requests in flight are streamed, when each that ends is followed by another. */
function streamedOf(inFlight: number, option: boolean | 'auto'): number {
  const choice = createStreamChoice(option, () => 0);
  choice.add(1_000_000);
  const flights = Array.from({ length: inFlight }, () => choice.start());
  for (let round = 0; round < 1000; round++) {
    flights.shift()?.end();
    flights.push(choice.start());
  }
  return flights.filter(({ isStreamed }) => isStreamed).length;
}

test.each([
  [1, 1],
  [8, 8],
  [9, 8],
  [64, 8],
  [128, 16],
  [1000, 125],
])('of %i in flight, %i are streamed', (inFlight, streamed) => {
  expect(streamedOf(inFlight, 'auto')).toBe(streamed);
  expect(streamedOf(inFlight, true)).toBe(inFlight);
  expect(streamedOf(inFlight, false)).toBe(0);
});

test('all are, once an answer without a sign of life was given up on the way', () => {
  for (const option of ['auto', false] as const) {
    const choice = createStreamChoice(option);
    choice.add(1_000_000);
    choice.insist();
    const flights = Array.from({ length: 64 }, () => choice.start());
    expect(flights.filter(({ isStreamed }) => isStreamed)).toHaveLength(option === 'auto' ? 64 : 0);
  }
});

test('all are while their tokens are few, and again when they become few', () => {
  let now = 0;
  const choice = createStreamChoice('auto', () => now);
  const isNextStreamed = (): boolean => choice.start().isStreamed;
  const pass = (seconds: number, perSecond: number): void => {
    for (let tenth = 0; tenth < seconds * 10; tenth++) {
      now += 100;
      choice.add(perSecond / 10);
    }
  };
  for (let index = 0; index < 64; index++) choice.start();
  pass(60, 400);
  expect(isNextStreamed()).toBe(true);
  pass(60, 1000);
  expect(isNextStreamed()).toBe(false);
  now += 5000;
  expect(isNextStreamed()).toBe(true);
});
