import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import { failure } from '../../src/core/completion.ts';
import type { ErrorKind } from '../../src/core/errors.ts';
import type { ResultLine } from '../../src/core/result-line.ts';
import { prepare, settings, runRequests } from './prepare-run.ts';
import { completion, items, openMock } from './requests.ts';

interface Server {
  backend: Backend;
  /** How often each request was sent. */
  sent: Map<string, number>;
  deaths: () => number;
}

/** A server that dies of some requests, with all that it has in flight, and is then started again. */
async function dyingOf(isPoison: (id: string) => boolean, kind: ErrorKind = 'connection'): Promise<Server> {
  const sent = new Map<string, number>();
  let deaths = 0;
  const backend: Backend = {
    ...(await openMock()),
    supervision: {
      async recover() {
        await turn();
        return 'gone';
      },
    },
    async generate({ id }) {
      sent.set(id, (sent.get(id) ?? 0) + 1);
      const before = deaths;
      await turn();
      if (before !== deaths) return failure(kind, 'connection reset');
      if (!isPoison(id)) return completion('x');
      deaths++;
      return failure(kind, 'connection reset');
    },
  };
  return { backend, sent, deaths: () => deaths };
}

const failedIn = (lines: ResultLine[]) => lines.filter(({ error }) => error !== null);

describe('a request that brings the engine down', () => {
  test.each(['connection', 'engine-crashed'] as const)('fails alone, for good (%s)', async (kind) => {
    const { backend, sent, deaths } = await dyingOf((id) => id === 'r13', kind);
    const { run, lines } = prepare(backend, { settings: settings({ retries: 0 }) });
    await runRequests(run);
    expect(lines).toHaveLength(50);
    expect(failedIn(lines)).toMatchObject([{ custom_id: 'r13', error: { code: 'bad-request' } }]);
    expect(failedIn(lines)[0]?.error?.message).toMatch(
      /went down each time that it had this request.*connection reset/,
    );
    expect([sent.get('r13'), deaths()]).toEqual([4, 4]);
  });

  test('that is the only one left fails as what it was, for a resume to try', async () => {
    const { backend, sent } = await dyingOf((id) => id === 'r0');
    const { run, lines } = prepare(backend, { items: items(1), settings: settings({ retries: 0 }) });
    await runRequests(run);
    expect(failedIn(lines)).toMatchObject([{ custom_id: 'r0', error: { code: 'connection' } }]);
    expect(sent.get('r0')).toBe(4);
  });

  test('does not take others like it with it, nor those beside them', async () => {
    const { backend } = await dyingOf((id) => /^r1[0-4]$/.test(id));
    const { run, lines } = prepare(backend, { maxWorkers: 8, settings: settings({ retries: 0 }) });
    await runRequests(run);
    const failed = failedIn(lines).map(({ custom_id }) => custom_id);
    expect(failed.toSorted()).toEqual(['r10', 'r11', 'r12', 'r13', 'r14']);
    expect(lines).toHaveLength(50);
  });

  test('goes alone: nothing else is in flight with it', async () => {
    const { backend, sent } = await dyingOf((id) => id === 'r13');
    let now = 0;
    const beside: number[] = [];
    const generate: Backend['generate'] = async (request, context) => {
      now++;
      if (request.id === 'r13') beside.push(now);
      return backend.generate(request, context).finally(() => now--);
    };
    await runRequests(prepare({ ...backend, generate }).run);
    expect(sent.get('r13')).toBe(4);
    expect(beside.slice(2)).toEqual([1, 1]);
  });
});

describe('an engine that goes down by itself', () => {
  test('once blames nobody, and nobody goes alone', async () => {
    let isFirst = true;
    const { backend } = await dyingOf((id) => {
      const dies = id === 'r13' && isFirst;
      if (dies) isFirst = false;
      return dies;
    });
    const { run, lines } = prepare(backend, { settings: settings({ retries: 0 }) });
    await runRequests(run);
    expect([lines.length, failedIn(lines)]).toEqual([50, []]);
  });

  test('again and again ends the run, and what failed is tried again by a resume', async () => {
    const { backend } = await dyingOf(() => true);
    const { run, lines } = prepare(backend, { items: items(500), settings: settings({ retries: 0 }) });
    await expect(runRequests(run)).rejects.toMatchObject({ exitCode: 4 });
    expect(new Set(lines.map(({ error }) => error?.code))).toEqual(new Set(['connection']));
  });
});
