import { expect, test } from 'vitest';
import { createStreamChoice } from '../../../../src/backends/openai/answer/stream-choice.ts';

/** How many of so many requests in flight are streamed, when each that ends is followed by another. */
function streamedOf(inFlight: number, option: boolean | 'auto'): number {
  const choice = createStreamChoice(option);
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
    choice.insist();
    const flights = Array.from({ length: 64 }, () => choice.start());
    expect(flights.filter(({ isStreamed }) => isStreamed)).toHaveLength(option === 'auto' ? 64 : 0);
  }
});
