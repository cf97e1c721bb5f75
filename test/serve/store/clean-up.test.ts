import { expect, test } from 'vitest';
import type { BatchRecord } from '../../../src/serve/store/batch-record.ts';
import { cleanUp } from '../../../src/serve/store/clean-up.ts';
import { batchRecord } from '../batch-record.ts';
import { openTestStore } from '../open-test-store.ts';

const now = 2_000_000_000;
const monthSeconds = 30 * 24 * 3600;

test('removes the files that have expired, and no other', async () => {
  const { store } = await openTestStore();
  const keep = async (expiresAt: number | null): Promise<string> => {
    const draft = await store.files.begin();
    draft.stream.write('x');
    return (await draft.keep({ filename: 'a', purpose: 'batch', expiresAt })).id;
  };
  const [expired, later, never] = [await keep(now), await keep(now + 1), await keep(null)];
  await cleanUp(store, now);
  expect(store.files.find(expired)).toBeNull();
  expect([later, never].map((id) => store.files.find(id)?.id)).toEqual([later, never]);
});

const ended = (end: number): Partial<BatchRecord> => ({
  status: 'cancelled',
  times: { ...batchRecord().times, cancelledAt: end },
});

test.each([
  ['is over for 30 days and has no file left', ended(now - monthSeconds), false, true],
  ['is over for less', ended(now - monthSeconds + 1), false, false],
  ['still has its input', ended(now - monthSeconds), true, false],
  ['runs, however old it is', { ...ended(1), status: 'in_progress' } as const, false, false],
])('a batch that %s is removed: %s', async (_what, changes, hasInput, isRemoved) => {
  const { store, add } = await openTestStore();
  const { id, inputFileId } = await add('x\n', changes);
  if (!hasInput) await store.files.remove(inputFileId);
  await cleanUp(store, now);
  expect(store.batches.find(id) === null).toBe(isRemoved);
});
