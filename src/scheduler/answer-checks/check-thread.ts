import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { codeOf, messageOf } from '../../core/errors.ts';
import type { CheckReply, CheckTask } from './run-check.ts';

/**
 * Checks on a thread of their own, with a time limit: a `pattern` can try for longer than the world exists,
 * `uniqueItems` compares each with each, and meanwhile no answer would be written and no Ctrl-C heard.
 */
export interface CheckThread {
  /** Checks one answer in the thread; null where the thread was closed first. */
  run: (task: CheckTask) => Promise<CheckReply | null>;
  close: () => void;
}

/** Longest time of a check in milliseconds: a usual one takes well below one. */
const maxMs = 5000;
const sweepMs = 250;
/** Memory that the check of one answer may take, in MiB; the program itself has more. */
const maxMemoryMb = 1024;

interface Waiting {
  task: CheckTask;
  settle: (reply: CheckReply | null) => void;
}

interface State {
  readonly limitMs: number;
  readonly waiting: Waiting[];
  worker: Worker | null;
  /** Time at which the thread began with the first check that waits; null while the thread starts. */
  since: number | null;
  timer: NodeJS.Timeout | null;
  isClosed: boolean;
}

export function createCheckThread({ limitMs = maxMs }: { limitMs?: number } = {}): CheckThread {
  const state: State = { limitMs, waiting: [], worker: null, since: null, timer: null, isClosed: false };
  return {
    run: async (task) =>
      new Promise((settle) => {
        if (state.isClosed) return settle(null);
        state.waiting.push({ task, settle });
        if (state.worker === null) startWorker(state);
        else if (state.since !== null) {
          if (state.waiting.length === 1) state.since = performance.now();
          state.worker.postMessage(task, []);
        }
        watch(state);
      }),
    close() {
      state.isClosed = true;
      stopWorker(state);
      for (const { settle } of state.waiting.splice(0)) settle(null);
      watch(state);
    },
  };
}

function startWorker(state: State): void {
  const worker = new Worker(workerPath(), { resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb } });
  state.worker = worker;
  worker.on('message', (reply: CheckReply | 'ready') => {
    state.since = performance.now();
    if (reply === 'ready') for (const { task } of state.waiting) worker.postMessage(task, []);
    else settleFirst(state, reply);
    watch(state);
  });
  worker.on('error', (error: unknown) => {
    stopWorker(state);
    const isFull = codeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY';
    settleFirst(state, {
      problem: isFull ? 'the check took too much memory' : `the check failed: ${messageOf(error)}`,
    });
    goOn(state);
  });
}

function stopWorker(state: State): void {
  state.worker?.removeAllListeners();
  // It may be dying already, and says so once more.
  state.worker?.on('error', () => undefined);
  void state.worker?.terminate();
  state.worker = null;
  state.since = null;
}

const settleFirst = (state: State, reply: CheckReply): void => state.waiting.shift()?.settle(reply);

function goOn(state: State): void {
  if (state.waiting.length > 0) startWorker(state);
  watch(state);
}

/** The thread and the timer keep the process alive only while somebody waits. */
function watch(state: State): void {
  if (state.waiting.length > 0) {
    state.worker?.ref();
    state.timer ??= setInterval(() => sweep(state), sweepMs);
    return;
  }
  state.worker?.unref();
  if (state.timer !== null) clearInterval(state.timer);
  state.timer = null;
}

function sweep(state: State): void {
  const [first] = state.waiting;
  // This thread may have been busy: an answer that came meanwhile is read before `setImmediate`.
  if (isLate(state)) setImmediate(() => first === state.waiting[0] && isLate(state) && giveUp(state));
}

const isLate = ({ since, limitMs, waiting }: State): boolean =>
  waiting.length > 0 && since !== null && performance.now() - since > limitMs;

function giveUp(state: State): void {
  stopWorker(state);
  settleFirst(state, {
    problem: `the check took longer than ${state.limitMs / 1000} s, which a complex \`pattern\` can cause`,
  });
  goOn(state);
}

/** A thread runs plain JavaScript: the sources, as the tests run them, take the built one. */
function workerPath(): string {
  const path = import.meta.url.endsWith('.ts')
    ? '../../../dist/scheduler/answer-checks/check-worker.js'
    : './check-worker.js';
  return fileURLToPath(new URL(path, import.meta.url));
}
