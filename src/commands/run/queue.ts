import type { BackendDefinition } from '../../core/backend.ts';
import { EngineError, LlmbatchError, exitCodes } from '../../core/errors.ts';
import { type Snapshot, snapshotToWire } from '../../core/snapshot.ts';
import { formatCounted, formatSeconds, quoteForShell } from '../../text/format.ts';
import type { ProgressMode } from '../../progress/index.ts';
import { renderSummary } from '../../report/summary.ts';
import { type BackendCache, createBackendCache } from '../../run/choose/backend-cache.ts';
import { hasNoResults } from '../../run/files/run-files.ts';
import type { RunHost, RunOutcome, RunRequest } from '../../run/run-request.ts';
import { startRun } from '../../run/start-run.ts';
import { type Interrupts, watchInterrupts } from '../shared/interrupts.ts';
import { retryFactsOf } from '../../report/failures/retry-steps.ts';
import { describeError } from '../shared/describe-error.ts';
import { type Screen, besideResults, createScreen } from '../shared/screen.ts';
import { mergeStepOf } from '../merge/step.ts';
import { printJsonObject, tellText } from '../shared/print.ts';
import { writeStdout } from '../shared/write-stdout.ts';
import { headingOf } from './heading.ts';
import type { Summary } from './on-end.ts';
import { type QueueTotal, createQueueTotal } from './queue-total.ts';

export interface QueueOptions {
  backends: readonly BackendDefinition[];
  progress: ProgressMode;
  /** Tell also why what was chosen was. */
  verbose: boolean;
  /** Print the summaries as JSON on stdout. */
  json: boolean;
  /** Results go to stdout as they are done. */
  toStdout: boolean;
  /** Takes what `json` would print. */
  onSummary?: (summary: Summary) => void;
}

/** Runs the inputs one after the other on one loaded model, and says how it went. Returns the exit code. */
export async function runQueue(requests: readonly RunRequest[], options: QueueOptions): Promise<number> {
  const cache = createBackendCache();
  const progress = options.toStdout ? besideResults(options.progress) : options.progress;
  const screen = createScreen(progress, options.verbose);
  const total = createQueueTotal(requests.length);
  const interrupts = watchInterrupts(() => screen.note(stoppingText(total.inFlight(), requests)));
  let exitCode: number = exitCodes.ok;
  try {
    for (const [index, request] of requests.entries()) {
      if (requests.length > 1) screen.note(`input ${index + 1} of ${requests.length}: ${request.input}`);
      const code = await runOne(request, { options, cache, screen, interrupts, total }).catch((error: unknown) => {
        if (!mayGoOn(error, requests)) throw error;
        const [problem, ...hints] = describeError(error);
        for (const text of [`${request.input}: ${problem}`, ...hints]) screen.note(text);
        return error.exitCode;
      });
      exitCode = Math.max(exitCode, code);
      if (interrupts.stop.aborted) break;
    }
    // With --progress json the last object on stderr is the summary.
    if (requests.length > 1 && options.progress !== 'json') screen.note(total.text());
  } finally {
    screen.close();
    await cache.close(interrupts.abort.aborted);
    interrupts.close();
    process.stdin.destroy();
  }
  return exitCode;
}

/** What is still waited for after the first Ctrl-C, and for how long at most. */
function stoppingText(inFlight: number, [request]: readonly RunRequest[]): string {
  const maxMs = request?.runner.drainTimeoutMs ?? 0;
  const may = `: ${formatCounted(inFlight, 'request')} in flight may finish, ${formatSeconds(maxMs / 1000)} at most`;
  return `stopping${inFlight === 0 ? '' : may}; Ctrl-C again ends now`;
}

/** One input that can't be run is no reason to leave the others; an engine that can't go on is. */
const mayGoOn = (error: unknown, requests: readonly RunRequest[]): error is LlmbatchError =>
  requests.length > 1 && error instanceof LlmbatchError && !(error instanceof EngineError);

/** What all inputs of a queue share. */
interface QueueContext {
  options: QueueOptions;
  cache: BackendCache;
  screen: Screen;
  interrupts: Interrupts;
  total: QueueTotal;
}

/** Returns the exit code of this input. */
async function runOne(request: RunRequest, context: QueueContext): Promise<number> {
  const { options, cache, screen, interrupts, total } = context;
  /** Whether what lies at the output is of this run, not of an earlier one. */
  let isOurs = false;
  const host: RunHost = {
    backends: options.backends,
    environment: process.env,
    stdin: process.stdin,
    stop: interrupts.stop,
    abort: interrupts.abort,
    notify: screen.notify,
    onStart(snapshot) {
      total.start(snapshot);
      // A queue has named the input already.
      const heading = total.inputs === 1 ? [] : [''];
      screen.start(snapshot, headingOf(request), ...heading);
    },
    onTake: () => (isOurs = true),
    onResults: options.toStdout ? (lines) => printResults(lines, interrupts) : null,
  };
  try {
    const outcome = await startRun(request, host, cache);
    // With --progress json the last object on stderr is the summary.
    if (outcome.isUntouched && options.progress === 'json') host.onStart(() => outcome.snapshot);
    screen.close();
    total.add(outcome);
    await printOutcome(outcome, { ...options, isOurs });
    return exitCodeOf(outcome, interrupts);
  } catch (error) {
    screen.close();
    const snapshot = total.current();
    if (snapshot !== null) options.onSummary?.(summaryOf('stopped', request.paths.output, snapshot));
    if (!(error instanceof EngineError) || !isOurs || (await hasNoResults(request.paths))) throw error;
    throw error.withHint(`What is answered is kept. Go on with: ${resumeCommandOf(request)}`);
  }
}

async function printResults(lines: Buffer[], interrupts: Interrupts): Promise<void> {
  if (interrupts.abort.aborted) return;
  if (!(await writeStdout(Buffer.concat(lines), interrupts.abort))) interrupts.endNow();
}

/** There is nothing to sum up, and nothing to go on with, where the output is still an earlier run's. */
async function printOutcome(
  { manifest, paths, snapshot, isUntouched }: RunOutcome,
  options: QueueOptions & { isOurs: boolean },
): Promise<void> {
  const resumeCommand = resumeCommandOf({ paths });
  const isFinished = manifest.state === 'finished';
  const summary = renderSummary(snapshot, {
    outputPath: paths.output,
    isUntouched,
    isOnStdout: options.toStdout,
    ...(await mergeStepOf(manifest, paths.output)),
    ...(isFinished ? { retry: retryFactsOf(manifest, paths.output) } : { resumeCommand }),
  });
  if (options.progress !== 'json' && options.isOurs) tellText(summary);
  const facts = { ...summaryOf(manifest.state, paths.output, snapshot), run_id: manifest.runId };
  options.onSummary?.(facts);
  if (options.json) await printJsonObject(facts);
}

const summaryOf = (state: string, output: string, snapshot: Snapshot): Summary => ({
  state,
  output,
  ...snapshotToWire(snapshot),
});

const resumeCommandOf = ({ paths }: Pick<RunRequest, 'paths'>): string =>
  `llmbatch resume ${quoteForShell(paths.output)}`;

function exitCodeOf({ manifest, snapshot }: RunOutcome, interrupts: Interrupts): number {
  if (manifest.state !== 'finished') return interrupts.exitCode() ?? exitCodes.ok;
  return snapshot.progress.failed > 0 ? exitCodes.someFailed : exitCodes.ok;
}
