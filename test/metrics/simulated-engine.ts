import { vi } from 'vitest';
import type { Backend, GenerateContext } from '../../src/core/backend.ts';
import { type Answer, failure, responseBody } from '../../src/core/completion.ts';
import { createMeter } from '../../src/metrics/meter.ts';
import { createInFlight } from '../../src/scheduler/in-flight.ts';
import { sendRequest } from '../../src/scheduler/send-request.ts';
import { chat } from '../scheduler/requests.ts';

/** What an engine does with a request, as a function of the clock alone. */
export interface Plan {
  /** Milliseconds before the first token. */
  firstMs?: number;
  tokens: number;
  perSecond: number;
  /** How many it says to have come where so many have; absent: it tells nothing before the end. */
  tells?: (tokens: number) => number;
  prompt?: { computed: number; cached: number };
  /** It tells of its prompt with its first token. */
  tellsPrompt?: boolean;
  /** It does not say how much of its prompt came from the cache. */
  hidesCached?: boolean;
  /** Where it ends with a failure that has no count, after so many tokens. */
  failsAt?: number;
}

interface Begun {
  plan: Plan;
  sentAt: number;
  endsAt: number;
}

const tickMs = 100;

/** Runs plans through the real sending and the real meter, so many at a time, on vitest's clock. */
export function simulateEngine(plans: readonly Plan[], workers: number, timeoutMs: number | null = null) {
  const startedAt = performance.now();
  const meter = createMeter();
  const begun: Begun[] = [];
  const inFlight = createInFlight({
    timeoutMs,
    stallTimeoutMs: 3_600_000,
    slots: workers,
    mayBeSilent: () => false,
    onStall: () => {},
    onSample: (flight) => meter.add({ type: 'flight', flight }),
  });
  const answering = new Set<() => void>();
  const backend = {
    generate(_request, context) {
      const flight: Begun = { plan: queue.shift()!, sentAt: performance.now(), endsAt: Infinity };
      begun.push(flight);
      return answer(flight, context, answering);
    },
  } as Backend;
  const timer = setInterval(() => answering.forEach((tick) => tick()), tickMs);
  const sending = { backend, inFlight, emit: meter.add, timeoutMs, stallTimeoutMs: 3_600_000 };
  const queue = [...plans];
  const work = async (worker: number): Promise<void> => {
    while (queue.length > 0) await sendRequest(chat(`r${queue.length}`), { worker, isAlone: false }, sending);
  };
  meter.add({
    type: 'model-start',
    total: plans.length,
    workers,
    maxWorkers: workers,
    contextTokens: null,
    loadMs: null,
  });
  const done = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker))).then(() => {
    clearInterval(timer);
    inFlight.close();
  });

  /** Tokens that the engine has made up to then. */
  const madeBy = (at: number): number =>
    begun.reduce((sum, { plan, sentAt, endsAt }) => sum + madeOf(plan, Math.min(at, endsAt) - sentAt), 0);
  const promptBy = (at: number): number =>
    begun.reduce(
      (sum, { plan, sentAt }) => sum + (at - sentAt >= (plan.firstMs ?? 0) ? (plan.prompt?.computed ?? 0) : 0),
      0,
    );
  const rateOf = (by: (at: number) => number): number => {
    const now = performance.now();
    const spanMs = Math.min(60_000, now - startedAt);
    return (1000 * (by(now) - by(now - spanMs))) / spanMs;
  };
  return {
    snapshot: meter.snapshot,
    done,
    inFlight,
    made: () => madeBy(performance.now()),
    truth: () => ({ generation: rateOf(madeBy), prompt: rateOf(promptBy) }),
    /** Lets so many seconds pass, and looks at each. */
    async watch(seconds: number, look: (second: number) => void = () => {}): Promise<void> {
      for (let second = 1; second <= seconds; second++) {
        await vi.advanceTimersByTimeAsync(1000);
        look(second);
      }
    },
  };
}

const madeOf = ({ firstMs = 0, perSecond, tokens, failsAt = tokens }: Plan, ageMs: number): number =>
  Math.min(failsAt, Math.max(0, Math.floor(((ageMs - firstMs) / 1000) * perSecond + 1e-6)));

/** `answering`: what the engine's clock calls, for each answer that it writes. */
function answer(flight: Begun, context: GenerateContext, answering: Set<() => void>): Promise<Answer> {
  const { plan, sentAt } = flight;
  let told = 0;
  let isFirst = true;
  return new Promise((resolve, reject) => {
    const end = (): void => {
      answering.delete(tick);
      flight.endsAt = performance.now();
    };
    const tick = (): void => {
      const made = madeOf(plan, performance.now() - sentAt);
      if (made > 0 && isFirst) {
        isFirst = false;
        context.onFirstToken();
        if (plan.tellsPrompt) context.onPrompt?.(plan.prompt?.computed ?? 0, plan.prompt?.cached ?? 0);
      }
      const pieces = Math.floor(plan.tells?.(made) ?? 0);
      if (pieces > told) context.onToken?.(pieces - told);
      told = pieces;
      if (made < (plan.failsAt ?? plan.tokens)) return;
      end();
      resolve(plan.failsAt === undefined ? whole(plan) : failure('server-error', 'it broke'));
    };
    answering.add(tick);
    context.signal.addEventListener('abort', () => {
      end();
      reject(context.signal.reason as Error);
    });
  });
}

const whole = ({ tokens, prompt, hidesCached = false }: Plan): Answer => ({
  status: 'completed',
  body: responseBody({
    id: 'x',
    model: 'simulated',
    chat: true,
    text: 'x',
    finishReason: 'stop',
    promptTokens: (prompt?.computed ?? 0) + (prompt?.cached ?? 0),
    completionTokens: tokens,
    ...(hidesCached ? {} : { cachedTokens: prompt?.cached ?? 0 }),
  }),
});
