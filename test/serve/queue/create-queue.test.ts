import { mkdir } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFakeOpenai } from '../../helpers/fake-openai-server.ts';
import { waitUntil } from '../../helpers/wait.ts';
import { maxPassedMs } from '../../../src/serve/queue/order-turns.ts';
import { type QueueFolder, startQueue } from './start-queue.ts';

/** Slow enough that a batch is still running when something is done with it. */
const slow = { latency_ms: 60 };
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index + 1}`);
const sorted = (all: string[]): string[] => all.toSorted((one, other) => Number(one.slice(1)) - Number(other.slice(1)));

/** Every request has its line, in one of the two files, and one line in the journal. */
async function expectWhole({ lines, journal, record }: QueueFolder, id: string, count: number): Promise<void> {
  const { outputFileId, errorFileId, status } = record(id);
  const [output, errors] = [await lines(outputFileId), await lines(errorFileId)];
  expect(status).toBe('completed');
  expect(sorted([...output, ...errors].map(({ custom_id }) => custom_id))).toEqual(ids(count));
  expect(output.every((line) => answerOf(line) === `question ${line.custom_id.slice(1)}`)).toBe(true);
  expect(sorted(await journal(id))).toEqual(ids(count));
}

const answerOf = ({ response }: { response: { body: { choices: [{ message: { content: string } }] } } | null }) =>
  response?.body.choices[0].message.content;

test('batches are run one after the other, and end with their files', async () => {
  const folder = await startQueue();
  const [first, second] = [await folder.submit(30), await folder.submit(5)];
  expect((await folder.end(second)).counts).toEqual({ total: 5, completed: 5, failed: 0 });
  await folder.end(first);
  await expectWhole(folder, first, 30);
  await expectWhole(folder, second, 5);
  expect(folder.record(first).errorFileId).toBeNull();
  expect(folder.record(first).times).toMatchObject({ inProgressAt: expect.any(Number), failedAt: null });
  expect(folder.queue.state()).toMatchObject({ running: null, waiting: [], loadedModel: 'mock', modelLoads: 1 });
});

test('a batch whose input is wrong fails, and the others go on', async () => {
  const folder = await startQueue();
  const wrong = await folder.submit(3, { endpoint: '/v1/embeddings' });
  const right = await folder.submit(3);
  expect(await folder.end(wrong)).toMatchObject({ status: 'failed', errors: [{ line: 1 }, { line: 2 }, { line: 3 }] });
  expect(await folder.end(right)).toMatchObject({ status: 'completed' });
});

describe('priority', () => {
  test('stops the running batch, which goes on later and sends nothing twice', async () => {
    const folder = await startQueue({ options: slow });
    const low = await folder.submit(500);
    await folder.untilRunning(low);
    const high = await folder.submit(10, { priority: 5 });
    await Promise.all([folder.end(high), folder.end(low)]);
    await expectWhole(folder, low, 500);
    await expectWhole(folder, high, 10);
    const starts = folder.notes.filter((text) => text.includes(': starts (') || text.includes(': gives way to '));
    expect(starts.map((text) => text.replace(/ \(.*/, ''))).toEqual([
      `${low}: starts`,
      `${low}: gives way to ${high}, and continues later`,
      `${high}: starts`,
      `${low}: starts`,
    ]);
  });

  test('orders those that wait', async () => {
    const folder = await startQueue({ options: slow });
    const running = await folder.submit(2000);
    await folder.untilRunning(running);
    const [one, two] = [await folder.submit(1, { priority: -1 }), await folder.submit(1)];
    await waitUntil(() => folder.queue.state().waiting.length === 2);
    expect(folder.queue.state()).toMatchObject({ running, waiting: [two, one] });
  });
});

describe('of several models', () => {
  test('the loaded one goes first, and a batch of another one waits ten minutes for it at the longest', async () => {
    const folder = await startQueue({ options: { latency_ms: 50 } });
    const first = await folder.submit(2000, { model: 'a' });
    await folder.untilRunning(first);
    const other = await folder.submit(4, { model: 'b' });
    const same = await folder.submit(400, { model: 'a' });
    await waitUntil(() => folder.queue.state().waiting.length === 2);
    expect(folder.queue.state().waiting).toEqual([same, other]);
    await folder.queue.cancel(first);
    await folder.untilRunning(same);
    expect(folder.queue.state()).toMatchObject({ running: same, waiting: [other], loadedModel: 'a' });
    folder.clock.now = () => Date.now() + maxPassedMs + 1000;
    // Whatever happens makes the queue look at the clock.
    await folder.queue.resume(null, 'test');
    expect((await folder.end(other)).status).toBe('completed');
    expect(folder.record(same)).toMatchObject({ status: 'in_progress' });
    expect(folder.queue.state().modelLoads).toBeGreaterThanOrEqual(2);
  });

  test('a batch that names several is run model by model', async () => {
    const folder = await startQueue({ runner: { workers: 1 } });
    const id = await folder.submit(6, { model: ['a', 'b'] });
    await folder.end(id);
    expect(folder.record(id).models).toEqual(['a', 'b']);
    expect(await folder.journal(id)).toEqual(['r1', 'r3', 'r5', 'r2', 'r4', 'r6']);
    expect(folder.queue.state()).toMatchObject({ loadedModel: 'b', modelLoads: 2 });
  });
});

describe('cancel', () => {
  test('of a running batch hands out what is done', async () => {
    const folder = await startQueue({ options: slow });
    const id = await folder.submit(1000);
    await folder.untilRunning(id);
    expect((await folder.queue.cancel(id)).status).toBe('cancelling');
    const { status, counts, outputFileId, errorFileId, times } = await folder.end(id);
    expect(status).toBe('cancelled');
    expect(times).toMatchObject({ cancellingAt: expect.any(Number), cancelledAt: expect.any(Number) });
    const [output, errors] = [await folder.lines(outputFileId), await folder.lines(errorFileId)];
    expect(output.length).toBe(counts.completed);
    expect(output.length).toBeGreaterThan(0);
    expect(output.length + errors.length).toBe(1000);
    expect(new Set(errors.map(({ error }) => error?.code))).toEqual(new Set(['batch_cancelled']));
  });

  test('of a waiting batch, and of one that is over', async () => {
    const folder = await startQueue({ options: slow });
    const running = await folder.submit(50);
    const waiting = await folder.submit(5);
    await folder.queue.cancel(waiting);
    expect(await folder.end(waiting)).toMatchObject({ status: 'cancelled', counts: { completed: 0 } });
    await folder.end(running);
    expect((await folder.queue.cancel(running)).status).toBe('completed');
  });
});

describe('pause', () => {
  test('of one batch lets the next go on', async () => {
    const folder = await startQueue({ options: slow });
    const [first, second] = [await folder.submit(100), await folder.submit(5)];
    await folder.untilRunning(first);
    await folder.queue.pause(first, 'test');
    await folder.end(second);
    expect(folder.record(first)).toMatchObject({ status: 'in_progress', paused: { by: 'test' } });
    expect(folder.queue.state()).toMatchObject({ running: null, waiting: [] });
    await folder.queue.resume(first, 'test');
    await folder.end(first);
    await expectWhole(folder, first, 100);
  });

  test('of all lets what is in flight end, and nothing else begins', async () => {
    const folder = await startQueue({ options: slow });
    const [first, second] = [await folder.submit(100), await folder.submit(5)];
    await folder.untilRunning(first);
    await folder.queue.pause(null, 'test');
    await waitUntil(() => folder.queue.snapshotOf(first)?.progress.inFlight === 0);
    const done = folder.queue.snapshotOf(first)?.progress.done ?? 0;
    expect(done).toBeLessThan(100);
    expect(folder.queue.state()).toMatchObject({ running: first, paused: { by: 'test' }, modelLoads: 1 });
    await folder.queue.cancel(first);
    await folder.end(first);
    expect(folder.record(second).status).toBe('in_progress');
    await folder.queue.resume(null, 'test');
    expect((await folder.end(second)).status).toBe('completed');
    expect(folder.queue.state()).toMatchObject({ paused: null, modelLoads: 1 });
  });
});

describe('expiry', () => {
  test('ends a running batch with what is done, by itself', async () => {
    const folder = await startQueue({ options: slow });
    const id = await folder.submit(2000);
    await folder.untilRunning(id);
    // The window ends so soon that the test need not wait for it, and a timer has to tell it.
    const aheadMs = folder.record(id).expiresAt * 1000 - Date.now() - 20;
    folder.clock.now = () => Date.now() + aheadMs;
    await folder.queue.resume(null, 'test');
    const { status, counts, outputFileId, errorFileId } = await folder.end(id);
    expect(status).toBe('expired');
    expect(await folder.lines(outputFileId)).toHaveLength(counts.completed);
    expect((await folder.lines(errorFileId)).at(-1)?.error?.code).toBe('batch_expired');
  });

  test('ends a batch that waits or is paused', async () => {
    const folder = await startQueue({ options: slow });
    const running = await folder.submit(1000);
    const waiting = await folder.submit(3);
    await waitUntil(() => folder.record(waiting).status === 'in_progress');
    await folder.queue.pause(waiting, 'test');
    folder.clock.now = () => Date.now() + 90_000_000;
    await folder.queue.resume(null, 'test');
    expect(await folder.end(waiting)).toMatchObject({ status: 'expired', counts: { total: 3, completed: 0 } });
    expect(await folder.end(running)).toMatchObject({ status: 'expired' });
  });
});

describe('what failed', () => {
  /** Two thirds fail, each time that they are sent. */
  const faults = { fault_rate: 0.7, fault_attempts: 100, fault_kinds: 'server-error' };

  test('has had its tries, and is not sent again after a pause', async () => {
    const folder = await startQueue({ options: { ...slow, ...faults }, runner: { retries: 0, maxErrorRate: 1 } });
    const id = await folder.submit(60);
    await folder.untilRunning(id);
    await folder.queue.pause(id, 'test');
    await waitUntil(() => folder.queue.state().running === null);
    const { failed } = folder.record(id).counts;
    await folder.queue.resume(id, 'test');
    await folder.end(id);
    expect(failed).toBeGreaterThan(0);
    await expectWhole(folder, id, 60);
  });

  test('is sent again where so much failed that the engine was at fault', async () => {
    const folder = await startQueue({ options: faults, runner: { retries: 0 } });
    const id = await folder.submit(200);
    await waitUntil(() => folder.queue.problemOf(id) !== null);
    const before = await folder.journal(id);
    await folder.queue.resume(id, 'test');
    await waitUntil(async () => (await folder.journal(id)).length > before.length);
    const all = await folder.journal(id);
    expect(new Set(before).size).toBe(before.length);
    expect(new Set(all).size).toBeLessThan(all.length);
  });
});

describe('where no engine is named', () => {
  test('one that is away keeps a fresh batch waiting', async () => {
    const server = await startFakeOpenai();
    onTestFinished(() => server.close());
    await server.stop();
    const connections = [{ baseUrl: server.url }];
    const folder = await startQueue({ settings: { backend: 'auto' }, runner: { connections } });
    const id = await folder.submit(3, { model: 'tiny-scorer' });
    await waitUntil(() => folder.queue.problemOf(id) !== null);
    expect(folder.record(id).status).toBe('in_progress');
    expect(folder.queue.problemOf(id)).toContain('no engine here serves the model "tiny-scorer"');
    await server.start();
    await folder.queue.resume(id, 'test');
    expect(await folder.end(id)).toMatchObject({ status: 'completed', counts: { completed: 3 } });
  });

  test('a model that its servers do not have fails the batch', async () => {
    const server = await startFakeOpenai();
    onTestFinished(() => server.close());
    const connections = [{ baseUrl: server.url }];
    const folder = await startQueue({ settings: { backend: 'auto' }, runner: { connections } });
    const id = await folder.submit(3, { model: 'other' });
    expect(await folder.end(id)).toMatchObject({
      status: 'failed',
      errors: [
        { code: 'model_not_found', message: expect.stringContaining('no engine here serves the model "other"') },
      ],
    });
  });
});

describe('trouble', () => {
  const failing = (kind: string) => ({ fault_rate: 1, fault_kinds: kind });

  test('a model that is not there fails the batch', async () => {
    const folder = await startQueue({ options: failing('model-not-found') });
    const id = await folder.submit(3);
    expect(await folder.end(id)).toMatchObject({ status: 'failed', errors: [{ code: 'model_not_found' }] });
  });

  test('models for different engines fail the batch', async () => {
    const folder = await startQueue({ routes: [{ glob: 'a*', backend: 'nothing' }] });
    const id = await folder.submit(3, { model: 'abc' });
    expect(await folder.end(id)).toMatchObject({
      status: 'failed',
      errors: [{ code: 'invalid_request', message: expect.stringContaining('no backend is called "nothing"') }],
    });
  });

  test('an engine that is of no use keeps the batch waiting, tried again after 30 seconds, then a minute', async () => {
    const folder = await startQueue({ options: failing('unusable') });
    let nowMs = Date.now();
    folder.clock.now = () => nowMs;
    const id = await folder.submit(3);
    await waitUntil(() => folder.queue.problemOf(id) !== null);
    expect(folder.queue.state()).toMatchObject({ running: null, waiting: [id], problem: expect.any(String) });
    const after = async (ms: number): Promise<string | null> => {
      await waitUntil(() => folder.queue.state().running === null);
      nowMs += ms;
      await folder.queue.resume(null, 'test');
      return folder.queue.state().running;
    };
    expect([await after(29_999), await after(1)]).toEqual([null, id]);
    expect([await after(59_999), await after(1)]).toEqual([null, id]);
    expect(folder.record(id)).toMatchObject({ status: 'in_progress', counts: { total: 3, completed: 0 } });
  });

  test('lines that all fail by their own fault complete the batch', async () => {
    const folder = await startQueue({ options: failing('bad-request') });
    const id = await folder.submit(300);
    const { status, counts, outputFileId } = await folder.end(id);
    expect([status, counts, outputFileId]).toEqual(['completed', { total: 300, completed: 0, failed: 300 }, null]);
  });
});

test('what is paused is so after a restart, until it is resumed', async () => {
  const before = await startQueue();
  await before.queue.pause(null, 'test');
  const id = await before.submit(5);
  await before.queue.close(false);

  const after = await startQueue({ folder: before.store.folder });
  expect(after.queue.state().paused).toEqual(before.queue.state().paused);
  await waitUntil(() => after.record(id).status === 'in_progress');
  expect(after.queue.state()).toMatchObject({ running: null, waiting: [id], paused: { by: 'test' } });
  await after.queue.resume(null, 'test');
  await after.end(id);
  expect((await startQueue({ folder: before.store.folder })).queue.state().paused).toBeNull();
});

test('a server that was ended goes on with all its batches', async () => {
  const before = await startQueue({ options: slow });
  const [first, second] = [await before.submit(100), await before.submit(5)];
  await before.untilRunning(first);
  await before.queue.close(false);
  expect([before.record(first).status, before.record(second).status]).toEqual(['in_progress', 'in_progress']);
  const { completed } = before.record(first).counts;
  expect(completed).toBeGreaterThan(0);

  const after = await startQueue({ folder: before.store.folder, options: slow });
  await Promise.all([after.end(first), after.end(second)]);
  await expectWhole(after, first, 100);
  await expectWhole(after, second, 5);
});

test('a folder that can not be written keeps the batch waiting, and where it lies is not told', async () => {
  const folder = await startQueue();
  await folder.queue.pause(null, 'a test');
  const id = await folder.submit(3);
  await mkdir(folder.store.batches.pathsOf(id).results);
  await folder.queue.resume(null, 'a test');
  await waitUntil(() => folder.queue.problemOf(id) !== null);
  expect(folder.queue.problemOf(id)).toContain(`batches/${id}/results.jsonl`);
  expect(folder.queue.problemOf(id)).not.toContain(folder.store.folder);
});
