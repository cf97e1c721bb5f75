import { afterEach, expect, test } from 'vitest';
import { type CheckThread, createCheckThread } from '../../../src/scheduler/answer-checks/check-thread.ts';

let thread: CheckThread;
afterEach(() => thread.close());

const endless = {
  type: 'schema',
  schema: '{"type":"string","pattern":"^(a+)+$"}',
  json: `"${'a'.repeat(60)}!"`,
} as const;
const fine = { type: 'schema', schema: '{"type":"integer"}', json: '1' } as const;

test('a check that does not end is ended, and those behind it are done', async () => {
  thread = createCheckThread({ limitMs: 1000 });
  const replies = await Promise.all([fine, endless, fine, { ...fine, json: '"one"' }].map((task) => thread.run(task)));
  expect(replies.map((reply) => reply?.problem)).toEqual([
    null,
    expect.stringContaining('the check took longer than 1 s'),
    null,
    'the whole is "one", and must be of the type integer',
  ]);
});

test('closing ends what is being checked', async () => {
  thread = createCheckThread();
  const replies = [thread.run(endless), thread.run(fine)];
  thread.close();
  expect(await Promise.all(replies)).toEqual([null, null]);
  expect(await thread.run(fine)).toBeNull();
});
