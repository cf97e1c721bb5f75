import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findSlots, slotLimits } from '../../../../src/backends/ollama/model/find-slots.ts';
import type { LoadedModel } from '../../../../src/backends/ollama/model/loaded-model.ts';
import { probeSlots } from '../../../../src/backends/ollama/model/probe-slots.ts';
import { expectSilence } from '../expect-silence.ts';
import { loadedOn, never, openOn, promised, rejectionOf, startFake, tinyScorerFacts } from '../open-ollama-for-test.ts';
import { end, lines, piece, startScripted } from '../scripted-server.ts';
import { waitFor } from '../../../helpers/wait.ts';

expectSilence();

/** A clock that goes on by so many milliseconds with each look, on whatever machine. */
function setClock(stepMs: number): void {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += stepMs));
}

// To this clock every round is short.
beforeEach(() => setClock(0.01));
afterEach(() => void vi.restoreAllMocks());

describe('a probe', () => {
  test.each([1, 2, 3, 4, 8, 15, 16])('finds exactly %i slots, on a model that stays loaded', async (slots) => {
    const server = await startFake({ slots });
    expect(await probeSlots(loadedOn(server), 16, never)).toBe(slots);
    expect(server).toMatchObject({ loads: 1, maxInFlight: slots });
  });

  test('finds one where the server tells no times', async () => {
    const reply = lines({ ...piece('one'), created_at: 'now' }, end({ created_at: undefined }));
    expect(await probeSlots(loadedOn(await startScripted({ '/api/chat': reply })), 4, never)).toBe(1);
  });

  test('finds no more than it asks for', async () => {
    const server = await startFake({ slots: 16 });
    expect(await probeSlots(loadedOn(server), 3, never)).toBe(3);
    // Seen in the first round: there is nothing more to find.
    expect(server.requests).toHaveLength(3);
  });

  test.each([1, 4])('never finds more than %i, also where tokens and loads take their time', async (slots) => {
    const server = await startFake({ slots, tokenMs: 1, promptTokenMs: 1, loadMs: 30 });
    for (let time = 0; time < 2; time++) {
      expect(await probeSlots(loadedOn(server), 8, never)).toBeLessThanOrEqual(slots);
    }
  });

  test('begins no other round on a slow machine', async () => {
    setClock(10_000);
    const server = await startFake({ slots: 2 });
    expect(await probeSlots(loadedOn(server), 5, never)).toBe(2);
    expect(server.requests).toHaveLength(5);
  });

  test('has the options of every other request', async () => {
    const server = await startFake({ slots: 2 });
    await probeSlots(loadedOn(server, { runner: { num_ctx: 2048, num_thread: 1 } }), 4, never);
    for (const { body } of server.requests) {
      expect(body).toMatchObject({
        keep_alive: -1,
        truncate: false,
        think: false,
        options: { num_ctx: 2048, num_thread: 1, num_predict: expect.any(Number) as number },
      });
      expect(body).not.toHaveProperty('shift');
    }
  });

  test('gives up what waits, and nothing that has a slot: a real server may lose it', async () => {
    const server = await startFake({ slots: 2 });
    expect(await probeSlots(loadedOn(server), 5, never)).toBe(2);
    // Three of five, in each of three rounds.
    await waitFor(() => expect(server.aborted).toBe(9));
    expect(server.requests).toHaveLength(15);
  });

  test('goes by the server’s clock: what comes first here may have begun last', async () => {
    const at = (seconds: number): string => `2026-11-25T10:00:${String(seconds).padStart(2, '0')}.5Z`;
    const waiting: ServerResponse[] = [];
    const server = await startScripted({
      '/api/chat'(response) {
        waiting.push(response);
        const [first, second] = waiting;
        if (first === undefined || second === undefined) return;
        waiting.length = 0;
        second.write(lines({ ...piece('a'), created_at: at(40) }), () => {
          for (let part = 0; part < 33; part++) first.write(lines({ ...piece('a'), created_at: at(part) }));
          first.end(lines({ ...end(), created_at: at(33) }));
          second.end(lines({ ...end(), created_at: at(41) }));
        });
      },
    });
    // Three rounds, since no window is wide enough for longer answers.
    expect(await probeSlots(loadedOn(server, { runner: { num_ctx: 64 } }), 2, never)).toBe(1);
    expect(server.requests).toHaveLength(6);
  });

  test('asks for longer answers where they are over at once, which fit into the window', async () => {
    const lengthsIn = async (window: number): Promise<unknown[]> => {
      const server = await startFake();
      await probeSlots(loadedOn(server, { runner: { num_ctx: window } }), 2, never);
      const lengths = server.requests.map(({ text }) => Number(/"num_predict":(\d+)/.exec(text)?.[1]));
      return [...new Set(lengths)];
    };
    expect(await lengthsIn(4096)).toEqual([64, 256, 512]);
    expect(await lengthsIn(512)).toEqual([64, 256]);
    expect(await lengthsIn(64)).toEqual([64]);
  });

  test('goes on where some of its requests fail, and fails where all do', async () => {
    const server = await startFake({ slots: 4 });
    let count = 0;
    server.faults = () => (count++ % 8 < 2 ? 'busy' : null);
    expect(await probeSlots(loadedOn(server), 8, never)).toBe(4);
    server.faults = () => 'busy';
    expect(await rejectionOf(probeSlots(loadedOn(server), 8, never))).toMatchObject({ status: 503 });
  });

  test('is given up with the reason of the signal', async () => {
    const server = await startFake({ slots: 2 });
    const asked = promised();
    server.faults = () => {
      asked.keep();
      return 'stall';
    };
    const controller = new AbortController();
    const probing = rejectionOf(probeSlots(loadedOn(server), 8, controller.signal));
    await asked.promise;
    controller.abort('stopped');
    expect(await probing).toBe('stopped');
    await waitFor(() => expect(server.aborted).toBe(8));
  });
});

describe('the slots of a server', () => {
  const find = async (loaded: LoadedModel, options: { slots?: number } = {}, workers: number | null = null) => {
    const notices: string[] = [];
    const asked = { workers, signal: never, onNotice: (text: string) => notices.push(text) };
    return { slots: await findSlots(loaded, { keep_alive: -1, ...options }, asked), notices };
  };
  const withFacts = (server: { url: string }, facts: Partial<LoadedModel['facts']>): LoadedModel =>
    loadedOn(server, { facts: { ...tinyScorerFacts, ...facts } });

  test('are probed, which is said', async () => {
    const { slots, notices } = await find(loadedOn(await startFake({ slots: 3 })));
    expect(slots).toBe(3);
    expect(notices).toEqual([expect.stringContaining('finding out how many requests')]);
  });

  test('are told with the option that saves the time, where a probe took long', async () => {
    setClock(10_000);
    const { notices } = await find(loadedOn(await startFake({ slots: 2 })));
    expect(notices[1]).toContain('to find out that the server works on 2 requests at once; --option slots=2 saves');
  });

  test('are probed by as many requests as there will be workers, at most 16', async () => {
    const server = await startFake({ slots: 64 });
    expect((await find(loadedOn(server), {}, 4)).slots).toBe(4);
    expect((await find(loadedOn(server), {}, 64)).slots).toBe(16);
  });

  test.each<[string, (server: { url: string }) => ReturnType<typeof find>, number | null]>([
    ['they are told', (server) => find(loadedOn(server), { slots: 7 }), 7],
    ['the family has one', (server) => find(withFacts(server, { family: 'qwen35moe' })), 1],
    ['the family has one, unless told', (server) => find(withFacts(server, { family: 'lfm2' }), { slots: 2 }), 2],
    ['one worker needs no more', (server) => find(loadedOn(server), {}, 1), null],
    ['the model only embeds', (server) => find(withFacts(server, { capabilities: ['embedding'] })), null],
  ])('are not probed where %s', async (_, ask, slots) => {
    const server = await startFake({ slots: 4 });
    expect(await ask(server)).toEqual({ slots, notices: [] });
    expect(server.requests).toEqual([]);
  });

  test('make the workers one more, and say why there are no more', () => {
    const loaded = loadedOn({ url: 'http://127.0.0.1:9' });
    expect(slotLimits(loaded, 4)).toEqual({
      slots: 4,
      suggestedWorkers: 5,
      contextTokens: 1024,
    });
    expect(slotLimits(loaded, null)).toMatchObject({ slots: null, suggestedWorkers: 1 });
    expect(slotLimits(withFacts({ url: 'http://127.0.0.1:9' }, { family: 'lfm2' }), 1).fixedSlots).toBe(
      'the server gives models of the family lfm2 only one slot, whatever its settings are',
    );
  });

  test('are told with the backend that is opened', async () => {
    const server = await startFake({ slots: 4 });
    const backend = await openOn(server, { options: { num_ctx: 1024 } });
    expect(backend.limits).toMatchObject({ slots: 4, suggestedWorkers: 5, contextTokens: 1024 });
    expect(server.loads).toBe(1);
  });
});
