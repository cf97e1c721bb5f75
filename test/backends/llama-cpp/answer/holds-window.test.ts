import { expect, test } from 'vitest';
import { holdsWindow } from '../../../../src/backends/llama-cpp/answer/generate-answer.ts';

/** A sequence whose first cell is at `start`, and whose next token comes at `next`. */
const holds = (start: number, next: number, swaSize?: number): boolean =>
  holdsWindow({ stateCellsStartIndex: start, nextTokenIndex: next, model: { fileInsights: { swaSize } } });

test('a sequence holds its window while nothing that the next token attends to is forgotten', () => {
  expect([holds(-1, 0, 512), holds(0, 600, 512), holds(88, 600, 512)]).toEqual([true, true, true]);
  // Measured on Gemma 3: such a sequence gave other numbers, and no error.
  expect([holds(282, 600, 512), holds(89, 600, 512), holds(1, 300, 512)]).toEqual([false, false, false]);
});

test('a model without a window forgets nothing, but what its own state has no cells for', () => {
  expect([holds(0, 600), holds(599, 600)]).toEqual([true, true]);
});
