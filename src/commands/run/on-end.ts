import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { LlmbatchError, exitCodes, messageOf } from '../../core/errors.ts';
import { jsonVersion } from '../../text/snake-keys.ts';
import { tell } from '../shared/print.ts';

/** How a command of llmbatch ended, as `--on-end` gets it beside the summary. */
interface EndReport {
  /** `finished`; `stopped` by the user; `failed`, by an error. */
  state: 'finished' | 'stopped' | 'failed';
  exit_code: number;
  error: { message: string; hint: string | null } | null;
}

/** What `--json` prints of an input, or of a bench. */
export type Summary = Readonly<Record<string, unknown>>;

/** Time that the command of `--on-end` has. */
const usualMaxMs = 60_000;
/** Time that it has to end itself when that is over. */
const graceMs = 2000;

/**
 * Carries out a command of llmbatch, and then the user's own of `--on-end`, however the first one ended. Nothing that the
 * second one does changes how. `add` takes the objects that `--json` prints, one for each input.
 */
export async function withOnEnd(
  onEnd: string | undefined,
  carryOut: (add: (summary: Summary) => void) => Promise<number>,
  maxMs = usualMaxMs,
): Promise<number> {
  if (onEnd === undefined || onEnd.trim() === '') return carryOut(() => {});
  const summaries: Summary[] = [];
  const report = (end: EndReport): Promise<void> =>
    runOnEnd(onEnd, { schema_version: jsonVersion, ...wholeOf(summaries), ...end }, maxMs);
  try {
    const exitCode = await carryOut((summary) => summaries.push(summary));
    const isStopped = summaries.some(({ state }) => state === 'stopped');
    await report({ state: isStopped ? 'stopped' : 'finished', exit_code: exitCode, error: null });
    return exitCode;
  } catch (error) {
    // What went wrong is told first.
    process.once('beforeExit', () => void report(failureOf(error)));
    throw error;
  }
}

function failureOf(error: unknown): EndReport {
  const known = error instanceof LlmbatchError ? error : null;
  return {
    state: 'failed',
    exit_code: known?.exitCode ?? exitCodes.bug,
    error: { message: messageOf(error), hint: known?.hint ?? null },
  };
}

/** Of one input what `--json` prints; of several a list of that, and the sums of its counts. */
function wholeOf(summaries: readonly Summary[]): Summary {
  const [first = {}] = summaries;
  if (summaries.length < 2) return first;
  const sum = (key: string): number => summaries.reduce((total, summary) => total + Number(summary[key] ?? 0), 0);
  const sums = Object.fromEntries(['total', 'done', 'succeeded', 'failed'].map((key) => [key, sum(key)]));
  return { ...sums, runs: summaries };
}

/** Runs the user's command with the report on its stdin. What it prints goes to stderr: stdout is data. It never throws. */
async function runOnEnd(command: string, report: EndReport & Summary, maxMs: number): Promise<void> {
  const child = startShell(command, report);
  const ended = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>;
  const end = endGroupOf(child);
  const timer = setTimeout(() => {
    tell(`--on-end: the command took longer than ${maxMs / 1000} s, and is ended`);
    end();
  }, maxMs);
  for (const signal of signals) process.on(signal, end);
  try {
    const [code, signal] = await ended;
    if (code !== 0) tell(`--on-end: the command ended with ${code ?? signal}`);
  } catch (error) {
    tell(`--on-end: the command can't be started: ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
    for (const signal of signals) process.off(signal, end);
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function startShell(command: string, report: EndReport & Summary): ChildProcess {
  const { state, exit_code: exitCode, output } = report;
  const facts = { LLMBATCH_STATE: state, LLMBATCH_EXIT_CODE: String(exitCode) };
  const child = spawn('sh', ['-c', command], {
    // In a group of its own it can be ended with all that it started, and Ctrl-C reaches it through us.
    detached: true,
    env: { ...process.env, ...facts, ...(typeof output === 'string' && { LLMBATCH_OUTPUT: output }) },
    stdio: ['pipe', process.stderr.fd, process.stderr.fd],
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(`${JSON.stringify(report)}\n`);
  return child;
}

/** Ends a child with all that it started: SIGTERM, then SIGKILL. */
function endGroupOf({ pid }: ChildProcess): () => void {
  const kill = (signal: NodeJS.Signals): void => {
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch {
      // It has ended.
    }
  };
  return () => {
    kill('SIGTERM');
    setTimeout(() => kill('SIGKILL'), graceMs).unref();
  };
}
