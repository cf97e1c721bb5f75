import { expect, test } from 'vitest';
import { withOnEnd } from '../../../src/commands/run/on-end.ts';

test('a command of --on-end that takes too long is ended, and changes nothing', async () => {
  expect(await withOnEnd('sleep 600', () => Promise.resolve(3), 200)).toBe(3);
  // It does not go at once when it is asked to.
  expect(await withOnEnd("trap '' TERM; sleep 600; sleep 600", () => Promise.resolve(0), 200)).toBe(0);
});
