import { EngineError, exitCodes } from '../core/errors.ts';
import { quoteForShell } from '../core/format.ts';
import { snakeKeys } from '../core/snake-keys.ts';
import { type ProgressMode, startProgress } from '../progress/index.ts';
import type { Progress } from '../progress/progress.ts';
import { renderSummary } from '../report/summary.ts';
import { type EngineSlot, createEngineSlot } from '../run/engine-slot.ts';
import type { RunHost, RunOutcome, RunRequest } from '../run/run-request.ts';
import { startRun } from '../start-run.ts';
import { type Interrupts, watchInterrupts } from './interrupts.ts';
import { writeStdout } from './write-stdout.ts';

export interface QueueOptions {
  progress: ProgressMode;
  /** Print the summaries as JSON on stdout. */
  json: boolean;
  /** Results go to stdout as they are done. */
  toStdout: boolean;
}

/** Runs the inputs one after the other on one loaded model, and says how it went. Returns the exit code. */
export async function runQueue(requests: readonly RunRequest[], options: QueueOptions): Promise<number> {
  const slot = createEngineSlot();
  const screen = createScreen(options.progress);
  const interrupts = watchInterrupts(() =>
    screen.note('stopping: what is in flight may finish; Ctrl-C again ends it now'),
  );
  let exitCode: number = exitCodes.ok;
  try {
    for (const request of requests) {
      const outcome = await runOne(request, { options, slot, screen, interrupts });
      exitCode = Math.max(exitCode, exitCodeOf(outcome, interrupts));
      if (interrupts.stop.aborted) break;
    }
  } finally {
    screen.close();
    await slot.close();
    interrupts.close();
    process.stdin.destroy();
  }
  return exitCode;
}

interface Desk {
  options: QueueOptions;
  slot: EngineSlot;
  screen: Screen;
  interrupts: Interrupts;
}

async function runOne(request: RunRequest, { options, slot, screen, interrupts }: Desk): Promise<RunOutcome> {
  const host: RunHost = {
    environment: process.env,
    stdin: process.stdin,
    stop: interrupts.stop,
    abort: interrupts.abort,
    onNote: screen.note,
    onStart: (snapshot) => screen.start(snapshot, request.input === '-' ? 'stdin' : request.input),
    onResults: options.toStdout ? (lines) => printResults(lines, interrupts) : null,
  };
  try {
    const outcome = await startRun(request, host, slot);
    screen.close();
    await printOutcome(outcome, options);
    return outcome;
  } catch (error) {
    screen.close();
    if (error instanceof EngineError) screen.note(`What is answered is kept. Go on with: ${resumeCommandOf(request)}`);
    throw error;
  } finally {
    screen.close();
  }
}

async function printResults(lines: Buffer[], interrupts: Interrupts): Promise<void> {
  if (interrupts.abort.aborted) return;
  if (!(await writeStdout(Buffer.concat(lines), interrupts.abort))) interrupts.endNow();
}

async function printOutcome({ manifest, places, snapshot }: RunOutcome, options: QueueOptions): Promise<void> {
  const resumeCommand = resumeCommandOf({ places });
  const isFinished = manifest.state === 'finished';
  const summary = renderSummary(snapshot, { outputPath: places.output, ...(isFinished ? {} : { resumeCommand }) });
  process.stderr.write(summary);
  if (!options.json) return;
  const facts = { state: manifest.state, output: places.output, run_id: manifest.run_id };
  await writeStdout(`${JSON.stringify({ ...facts, ...(snakeKeys(snapshot) as object) })}\n`);
}

const resumeCommandOf = ({ places }: Pick<RunRequest, 'places'>): string =>
  `llmbatch resume ${quoteForShell(places.output)}`;

function exitCodeOf({ manifest, snapshot }: RunOutcome, interrupts: Interrupts): number {
  if (manifest.state !== 'finished') return interrupts.exitCode() ?? exitCodes.ok;
  return snapshot.failed > 0 ? exitCodes.someFailed : exitCodes.ok;
}

/** The live display where a run goes on, plain lines before and between. */
interface Screen {
  note: (text: string) => void;
  start: (snapshot: Parameters<RunHost['onStart']>[0], title: string) => void;
  close: () => void;
}

function createScreen(mode: ProgressMode): Screen {
  let progress: Progress | null = null;
  return {
    note(text) {
      if (progress === null) process.stderr.write(`${text}\n`);
      else progress.note(text);
    },
    start(snapshot, title) {
      progress = startProgress({ mode, snapshot, title });
    },
    close() {
      progress?.stop();
      progress = null;
    },
  };
}
