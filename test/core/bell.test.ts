import { expect, test } from 'vitest';
import { createBell } from '../../src/core/bell.ts';

test('a ring wakes all that wait, and whoever comes later waits for the next one', async () => {
  const bell = createBell();
  const heard: string[] = [];
  const first = bell.next().then(() => heard.push('first'));
  const second = bell.next().then(() => heard.push('second'));
  bell.ring();
  const third = bell.next().then(() => heard.push('third'));
  await Promise.all([first, second]);
  expect(heard).toEqual(['first', 'second']);
  bell.ring();
  await third;
  expect(heard).toHaveLength(3);
});

test('a ring that nobody waits for is forgotten', async () => {
  const bell = createBell();
  bell.ring();
  const late = bell.next().then(() => 'rung');
  expect(await Promise.race([late, Promise.resolve('waits')])).toBe('waits');
});
