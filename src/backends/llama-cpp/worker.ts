import { Socket } from 'node:net';
import { parse, stringify } from 'ndjson';
import type { GenerateContext } from '../../core/backend.ts';
import { EngineError } from '../../core/errors.ts';
import { type WorkerAnswer, type WorkerRequest, type WorkerTask, workerProtocol } from '../subprocess/protocol.ts';
import { type AnswerRequest, createAnswerRequest } from './answer/answer-request.ts';
import type { EngineInfo, EngineSettings } from './options.ts';
import { loadEngine } from './load-engine.ts';

// The entry of the llama-cpp worker process; see ../subprocess/protocol.ts for what it is told and what it says.

/** The answer's first signs of life are told at once, the later ones no more often than this. */
const activityMs = 1000;

const answers = stringify();
answers.pipe(new Socket({ fd: 3 }).on('error', leave));
const send = (answer: WorkerAnswer<EngineInfo>): void => void answers.write(answer);

/** Requests that run, by the number that the parent gave them. */
const running = new Map<number, AbortController>();
let engine: AnswerRequest | null = null;

// A terminal and `timeout` signal the whole process group. The parent decides when this process ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

send({ type: 'hello', protocol: workerProtocol });
process.stdin.pipe(parse()).on('data', (request: WorkerRequest) => {
  if (request.type === 'open') void open(request.settings as EngineSettings);
  else if (request.type === 'generate') void generate(request.id, request.request);
  else if (request.type === 'abort') running.get(request.id)?.abort();
});
process.stdin.on('end', leave).on('error', leave);

/** The parent closed us, or died. An evaluation can't be interrupted, and an exit would wait for it. */
function leave(): void {
  if (engine === null || running.size > 0) process.kill(process.pid, 'SIGKILL');
  // oxlint-disable-next-line unicorn/no-process-exit -- an entry of its own, kept alive by the engine's handles
  else process.exit(0);
}

async function open(settings: EngineSettings): Promise<void> {
  try {
    const loaded = await loadEngine(settings);
    engine = createAnswerRequest(loaded, settings);
    send({ type: 'ready', info: loaded.info });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { kind, message, hint } = error;
    send({ type: 'refused', kind, message, ...(hint === undefined ? {} : { hint }) });
  }
}

async function generate(id: number, task: WorkerTask): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  running.set(id, controller);
  try {
    const answer = await engine?.(task, { signal, ...signsOfLife(id) });
    if (answer !== undefined && !signal.aborted) send({ type: 'answer', id, answer });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    running.delete(id);
  }
}

function signsOfLife(id: number): Pick<GenerateContext, 'onActivity' | 'onFirstToken' | 'onToken'> {
  let lastAt = -Infinity;
  let tokens = 0;
  return {
    onActivity() {
      const now = performance.now();
      if (now - lastAt < activityMs) return;
      lastAt = now;
      send({ type: 'activity', id, tokens });
    },
    onToken: () => void tokens++,
    onFirstToken() {
      lastAt = performance.now();
      send({ type: 'first-token', id });
    },
  };
}
