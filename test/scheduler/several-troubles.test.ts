import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { failure } from '../../src/core/completion.ts';
import { EngineError } from '../../src/core/errors.ts';
import { defaultConversation } from '../../src/core/settings.ts';
import { createConversations } from '../../src/scheduler/conversation.ts';
import { allIds, idsOf, recordIn } from './prepare-run.ts';
import { completion } from './requests.ts';
import { type ServerOptions, type SimulatedServer, type TeamRun, createServer, runTeam } from './simulated-engines.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Engines of unlike speed: 200, 80 and 40 requests a second with four workers each. */
const three = (options: ServerOptions = {}): Promise<SimulatedServer[]> =>
  Promise.all([20, 50, 100].map((ms) => createServer({ ...options, ms })));

/** Every request has its answer, once. */
function expectAll({ lines, error }: TeamRun, count: number): void {
  expect(error).toBeNull();
  expect(idsOf(lines).toSorted()).toEqual(allIds(count).toSorted());
  expect(lines.filter((line) => line.error !== null)).toEqual([]);
}

/** Seconds that three engines need for 3000 requests, and the time at which trouble begins. */
const calmSeconds = 9.4;
const beginsMs = 3000;

type Act = (servers: SimulatedServer[]) => void;

const troubles: Record<string, { begin: Act; end?: Act; lastsMs?: number; maxSeconds: number }> = {
  'is killed': { begin: ([first]) => first!.become('dead'), maxSeconds: 26 },
  'is killed, and started 2 s later': {
    begin: ([first]) => first!.become('dead'),
    end: ([first]) => first!.become('fine'),
    lastsMs: 2000,
    maxSeconds: 12,
  },
  'is stopped for 4 s': {
    begin: ([first]) => first!.become('hung'),
    end: ([first]) => first!.become('fine'),
    lastsMs: 4000,
    maxSeconds: 13,
  },
  'is stopped for good': { begin: ([first]) => first!.become('hung'), maxSeconds: 26 },
  'gets ten times slower': { begin: ([first]) => first!.slowDown(10), maxSeconds: 24 },
  'answers with 503 for 4 s': {
    begin: ([first]) => first!.become('failing'),
    end: ([first]) => first!.become('fine'),
    lastsMs: 4000,
    maxSeconds: 13,
  },
  'has another model for 4 s': {
    begin: ([first]) => first!.become('failing', failure('model-not-found', 'No such model.')),
    end: ([first]) => first!.become('fine'),
    lastsMs: 4000,
    // It is asked again after 10 s.
    maxSeconds: 18,
  },
  'refuses the key': {
    begin: ([first]) => first!.become('failing', failure('unauthorized', 'No such key.')),
    maxSeconds: 26,
  },
};

describe('where one engine of three', () => {
  test.each(Object.entries(troubles))('%s, each request is answered once, and soon', async (_name, trouble) => {
    const { begin, end, lastsMs = 0, maxSeconds } = trouble;
    const servers = await three();
    const ended = end === undefined ? [] : [[beginsMs + lastsMs, () => end(servers)] as [number, () => void]];
    const run = await runTeam(servers, {
      count: 3000,
      // An engine that goes away is to blame, not the request.
      settings: { retries: 0 },
      at: [[beginsMs, () => begin(servers)], ...ended],
    });
    expectAll(run, 3000);
    expect(run.seconds).toBeGreaterThan(calmSeconds - 0.5);
    expect(run.seconds).toBeLessThan(maxSeconds);
  });

  test('is killed and returns, it is used again', async () => {
    const servers = await three();
    const [first] = servers as [SimulatedServer];
    const sent = { before: 0 };
    const run = await runTeam(servers, {
      count: 3000,
      at: [
        [beginsMs, () => first.become('dead')],
        [beginsMs + 2000, () => void (sent.before = first.sent.length)],
        [beginsMs + 2001, () => first.become('fine')],
      ],
    });
    expect(first.sent.length).toBeGreaterThan(sent.before + 500);
    expect(run.notices).toEqual([
      'a: it does not answer (The server broke the connection.): its requests go to the others, and it is taken back when it does',
      expect.stringMatching(/^a: it is back after 2\.\d s, and takes requests$/),
    ]);
  });

  test('is stopped, the user is told', async () => {
    const servers = await three();
    const { notices } = await runTeam(servers, { count: 3000, at: [[beginsMs, () => servers[0]!.become('hung')]] });
    expect(notices).toEqual([
      'a: it does not answer (It accepts the connection, but does not answer.): its requests go to the others, and it is taken back when it does',
    ]);
  });

  test('says that it is of use and is not, it is asked ever more seldom', async () => {
    const liar = await createServer({ answer: () => failure('model-not-found', 'No such model.') });
    const run = await runTeam([liar, await createServer({ ms: 1000 })], { count: 4000 });
    expectAll(run, 4000);
    expect(run.seconds).toBeGreaterThan(900);
    const left = run.notices.filter((text) => text.includes('left out'));
    expect(left.map((text) => /every (.*?)\.$/.exec(text)?.[1])).toEqual([
      '10 s',
      '20 s',
      '40 s',
      '1m 20s',
      '2m 40s',
      '5m 00s',
      ...left.slice(6).map(() => '5m 00s'),
    ]);
    expect(liar.sent.length).toBeLessThan(60);
  });
});

describe('where all engines', () => {
  test('are gone and come back, nothing is lost, and nothing is to blame', async () => {
    const servers = await three();
    const run = await runTeam(servers, {
      count: 3000,
      settings: { retries: 0 },
      at: [
        ...servers.map((server, index): [number, () => void] => [beginsMs + index, () => server.become('dead')]),
        [beginsMs + 15_000, () => servers[2]!.become('fine')],
        [beginsMs + 16_000, () => servers[0]!.become('fine')],
      ],
    });
    expectAll(run, 3000);
    expect(run.seconds).toBeLessThan(40);
  });

  test('are gone for good, the run waits, and ends with what is done', async () => {
    const servers = await three();
    const run = await runTeam(servers, {
      count: 3000,
      at: [[beginsMs, () => servers.forEach((server) => server.become('dead'))]],
    });
    expect(run.error).toMatchObject({ kind: 'unusable', exitCode: 4 });
    expect(run.lines.length).toBeGreaterThan(500);
    expect(run.lines.filter(({ error }) => error !== null)).toEqual([]);
    expect([run.seconds > 300, run.seconds < 320]).toEqual([true, true]);
  });

  test('refuse the key, the run ends at once', async () => {
    const servers = await three();
    for (const server of servers) server.become('failing', failure('unauthorized', 'No such key.'));
    const run = await runTeam(servers);
    expect(run.error).toMatchObject({ kind: 'unauthorized' });
    expect(run.seconds).toBeLessThan(2);
    expect(run.lines).toEqual([]);
  });

  test('fail a request, it is a failure after the retries', async () => {
    const answer: ServerOptions['answer'] = ({ id }) =>
      id === 'r7' ? failure('server-error', 'Internal error.') : completion('ok');
    const run = await runTeam(await three({ answer }), { settings: { retries: 3 } });
    const failed = run.lines.filter(({ error }) => error !== null);
    expect(failed.map(({ custom_id, llmbatch }) => [custom_id, llmbatch.attempts])).toEqual([['r7', 4]]);
    expect(idsOf(run.lines).toSorted()).toEqual(allIds(300).toSorted());
  });

  test('fail half of the requests for good, the run ends, whichever engine had them', async () => {
    const answer: ServerOptions['answer'] = ({ id }) =>
      Number(id.slice(1)) % 10 < 7 ? failure('schema-invalid', 'No score.') : completion('ok');
    const run = await runTeam(await Promise.all([1, 2, 3].map(() => createServer({ ms: 2000, answer }))), {
      count: 3000,
      workers: 1,
    });
    expect(run.error).toBeInstanceOf(EngineError);
    expect(run.lines.length).toBeLessThan(120);
  });

  test('refuse for a time, the run goes on with whichever takes requests first', async () => {
    const refusing = (untilMs: number) => {
      const freeAt = performance.now() + untilMs;
      return createServer({
        answer: () => {
          const retryAfterMs = freeAt - performance.now();
          return retryAfterMs > 0 ? { ...failure('rate-limited', 'Too many.'), retryAfterMs } : completion('ok');
        },
      });
    };
    const run = await runTeam([await refusing(20_000), await refusing(600_000)], { settings: { retries: 0 } });
    expectAll(run, 300);
    expect(run.seconds).toBeLessThan(30);
    expect(run.share('b')).toBe(0);
  });
});

describe('a pause of ten minutes on one engine', () => {
  test('keeps nobody waiting', async () => {
    const paused = await createServer({
      answer: () => ({ ...failure('rate-limited', 'Too many.'), retryAfterMs: 600_000 }),
    });
    const run = await runTeam([paused, await createServer()], { settings: { retries: 0 } });
    expectAll(run, 300);
    expect(run.seconds).toBeLessThan(5);
  });
});

describe('an engine that refuses what is too much, and is there', () => {
  test('costs a request its only try without retries', async () => {
    const servers = [await createServer({ answer: () => failure('overloaded', 'Too many.') }), await createServer()];
    const run = await runTeam(servers, { settings: { retries: 0, maxErrorRate: 1 } });
    expect(idsOf(run.lines).toSorted()).toEqual(allIds(300).toSorted());
    expect(run.lines.some(({ error }) => error?.code === 'overloaded')).toBe(true);
  });
});

describe('a request that kills engines', () => {
  const isPoison = (id: string): boolean => id === 'r13';

  test.each([0, 3])(
    'that are started again fails alone, and one engine never sees it (%s retries)',
    async (retries) => {
      const servers = await three({ isPoison, restartMs: 5000 });
      const run = await runTeam(servers, { count: 1000, settings: { retries } });
      expect(run.error).toBeNull();
      expect(idsOf(run.lines).toSorted()).toEqual(allIds(1000).toSorted());
      const failed = run.lines.filter(({ error }) => error !== null);
      expect(failed.map(({ custom_id, error }) => [custom_id, error?.code])).toEqual([['r13', 'bad-request']]);
      const deaths = servers.map((server) => server.deaths());
      expect(deaths.filter((count) => count === 0)).toHaveLength(1);
      expect(deaths.reduce((sum, count) => sum + count, 0)).toBe(4);
    },
  );

  test('that are not started again comes last to the one that is left', async () => {
    const servers = await three({ isPoison });
    const run = await runTeam(servers, { count: 1000 });
    const answered = run.lines.filter(({ error }) => error === null);
    // All but those that were beside it each time.
    expect(answered.length).toBeGreaterThan(990);
    expect(servers.map((server) => server.deaths())).toEqual([1, 1, 1]);
    expect(run.error).toMatchObject({ exitCode: 4 });
  });

  test('is not sent to a third engine while one of those may come back', async () => {
    const servers = await three({ isPoison });
    const start = (deaths: number) => () => servers.find((server) => server.deaths() === deaths)?.become('fine');
    const run = await runTeam(servers, {
      count: 1000,
      at: [
        [60_000, start(1)],
        [70_000, start(2)],
        [80_000, start(3)],
      ],
    });
    expect(new Set(servers.map((server) => server.deaths()))).toEqual(new Set([0, 1, 3]));
    expect(run.error).toBeNull();
    expect(idsOf(run.lines).toSorted()).toEqual(allIds(1000).toSorted());
    expect(run.lines.filter(({ error }) => error !== null).map(({ custom_id }) => custom_id)).toEqual(['r13']);
  });
});

describe('an engine that fails every request', () => {
  test('is left out, and the others have them all', async () => {
    const sick = await createServer({ ms: 1, answer: () => failure('server-error', 'Internal error.') });
    const run = await runTeam([sick, await createServer({ ms: 50 })], { count: 1000 });
    expectAll(run, 1000);
    expect(run.notices.filter((text) => text.startsWith('a: left out ('))).not.toEqual([]);
  });

  test('and is never left out takes no more of the input than others can follow', async () => {
    const sick = await createServer({ ms: 1, answer: () => failure('server-error', 'Internal error.') });
    const run = await runTeam([sick, await createServer({ ms: 500 })], {
      count: 3000,
      settings: { maxErrorRate: 1 },
      at: [[20_000, ({ stop }) => stop.abort()]],
    });
    expect(sick.sent.length).toBeLessThan(600);
    expect(run.lines.every(({ error }) => error === null)).toBe(true);
  });
});

describe('an engine that hangs', () => {
  test('keeps no request from another one that failed it once', async () => {
    const once = new Set<string>();
    const flaky = await createServer({
      answer({ id }) {
        if (id !== 'r11' || once.has(id)) return completion('ok');
        once.add(id);
        return failure('server-error', 'Internal error.');
      },
    });
    const hanging = await createServer();
    const run = await runTeam([flaky, hanging], { count: 40, at: [[30, () => hanging.become('hung')]] });
    expectAll(run, 40);
    expect(run.seconds).toBeLessThan(20);
  });
});

describe('a run on several engines that is stopped', () => {
  test('during an outage of all ends at once', async () => {
    const servers = await three();
    const run = await runTeam(servers, {
      count: 3000,
      at: [
        [beginsMs, () => servers.forEach((server) => server.become('dead'))],
        [beginsMs + 5000, ({ stop }) => stop.abort()],
      ],
    });
    expect(run.error).toBeNull();
    expect(run.seconds).toBeLessThan(8.5);
    expect(run.lines.every(({ error }) => error === null)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('while one hangs ends within the time for the last answers', async () => {
    const servers = await three();
    const run = await runTeam(servers, {
      count: 3000,
      settings: { drainTimeoutMs: 10_000 },
      at: [
        [beginsMs, () => servers[0]!.become('hung')],
        [beginsMs + 1000, ({ stop }) => stop.abort()],
      ],
    });
    expect(run.error).toBeNull();
    expect(run.seconds).toBeLessThan(14.5);
  });

  test('while one is left out leaves no timer behind', async () => {
    const servers = await three();
    await runTeam(servers, {
      count: 3000,
      at: [
        [beginsMs, () => servers[0]!.become('failing', failure('model-not-found', 'No such model.'))],
        [beginsMs + 1000, ({ stop }) => stop.abort()],
      ],
    });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('an engine that is still being opened', () => {
  const later = (ms: number, server: SimulatedServer | null) =>
    new Promise<SimulatedServer | null>((resolve) => void setTimeout(() => resolve(server), ms));
  const refusing = async () => {
    const server = await createServer();
    server.become('failing', failure('unauthorized', 'No such key.'));
    return server;
  };

  test('takes part when it is there', async () => {
    const run = await runTeam([await createServer({ ms: 100 }), later(2000, await createServer())], { count: 600 });
    expectAll(run, 600);
    expect(run.share('b')).toBeGreaterThan(200);
  });

  test('is waited for where the others are of no use', async () => {
    const run = await runTeam([await refusing(), later(60_000, await createServer())]);
    expectAll(run, 300);
    expect(run.share('b')).toBe(300);
  });

  test.each([
    ['will never be', 60_000, 60],
    ['does not come', 3_600_000, 300],
  ] as const)('and %s keeps a run of no use for minutes at most', async (_what, ms, seconds) => {
    const run = await runTeam([await refusing(), later(ms, null)], { maxSeconds: 400 });
    expect(run.error).toMatchObject({ kind: 'unauthorized' });
    expect(Math.round(run.seconds)).toBe(seconds);
  });

  test('keeps no run from its end', async () => {
    const run = await runTeam([await createServer(), later(3_600_000, null)]);
    expectAll(run, 300);
    expect(run.seconds).toBeLessThan(3);
  });
});

describe('conversations on two engines', () => {
  test('stay each on its own, and go on without one that is gone', async () => {
    const seen: Record<string, string[][]> = { a: [], b: [] };
    const listening = (name: string) =>
      createServer({
        answer: ({ id, body }) => {
          seen[name]!.push(
            (body.messages ?? []).flatMap(({ content }) => (typeof content === 'string' ? content : [])),
          );
          return completion(`${name} of ${id}`);
        },
      });
    const servers = await Promise.all([listening('a'), listening('b')]);
    const conversations = createConversations({
      settings: defaultConversation,
      contextTokens: null,
      restored: new Map(),
      ...recordIn([]),
    });
    const run = await runTeam(servers, {
      workers: 1,
      count: 60,
      changes: { conversations },
      at: [[300, () => servers[0].become('dead')]],
    });
    expectAll(run, 60);
    for (const name of ['a', 'b']) {
      const answers = seen[name]!.flat().filter((text) => / of r\d+$/.test(text));
      expect(answers.length).toBeGreaterThan(0);
      expect(answers.every((text) => text.startsWith(`${name} of`))).toBe(true);
    }
  });
});
