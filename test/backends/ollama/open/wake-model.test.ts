import { describe, expect, test } from 'vitest';
import { wakeModel } from '../../../../src/backends/ollama/open/wake-model.ts';
import { expectSilence } from '../expect-silence.ts';
import { loadedOn, never, startFake } from '../open-ollama-for-test.ts';

expectSilence();

const isAnswer = (text: string): boolean => text.includes('"num_predict":1');

describe('a model that is loaded', () => {
  test('is asked for one token, and left as it is where it gives one', async () => {
    const server = await startFake();
    const notices: string[] = [];
    await wakeModel(loadedOn(server), { signal: never, onNotice: (text) => notices.push(text) });
    expect([server.loads, notices]).toEqual([1, []]);
  });

  test('is loaded again where it answers nothing, and the user is told', async () => {
    const server = await startFake();
    const notices: string[] = [];
    server.faults = ({ text }) => (isAnswer(text) ? 'hang' : null);
    await wakeModel(loadedOn(server), { signal: never, onNotice: (text) => notices.push(text), maxMs: 50 });
    expect(notices).toEqual([expect.stringContaining('it is loaded again')]);
    const keepAlives = server.requests.filter(({ kind }) => kind === 'load').map(({ body }) => body);
    expect(keepAlives).toMatchObject([{ keep_alive: 0 }, { keep_alive: -1 }]);
  });

  test('is left to the requests where it fails in another way', async () => {
    const server = await startFake();
    server.faults = ({ text }) => (isAnswer(text) ? 'oom' : null);
    await wakeModel(loadedOn(server), { signal: never, onNotice: () => {} });
    expect(server.requests.some(({ kind }) => kind === 'load')).toBe(false);
  });

  test('is waited for no longer when the run stops', async () => {
    const server = await startFake();
    const reason = new Error('stopped');
    const asked = wakeModel(loadedOn(server), { signal: AbortSignal.abort(reason), onNotice: () => {} });
    await expect(asked).rejects.toBe(reason);
  });
});
