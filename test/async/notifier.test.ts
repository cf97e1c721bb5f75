import { expect, test } from 'vitest';
import { createNotifier } from '../../src/async/notifier.ts';

test('a notify wakes all that wait, and whoever comes later waits for the next one', async () => {
  const notifier = createNotifier();
  const heard: string[] = [];
  const first = notifier.next().then(() => heard.push('first'));
  const second = notifier.next().then(() => heard.push('second'));
  notifier.notify();
  const third = notifier.next().then(() => heard.push('third'));
  await Promise.all([first, second]);
  expect(heard).toEqual(['first', 'second']);
  notifier.notify();
  await third;
  expect(heard).toHaveLength(3);
});

test('a notify that nobody waits for is forgotten', async () => {
  const notifier = createNotifier();
  notifier.notify();
  const late = notifier.next().then(() => 'rung');
  expect(await Promise.race([late, Promise.resolve('waits')])).toBe('waits');
});
