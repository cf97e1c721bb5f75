import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { type Redaction, createRedaction } from '../../text/redaction.ts';
import { isSecretName } from '../../text/secret-name.ts';
import type { WorkerChannel } from './protocol.ts';
import { createWorkerLog } from './worker-log.ts';

/** A process that is a worker of ours, and what is done with what it prints. */
export interface ChildSpec {
  file: string;
  arguments: string[];
  /** All its variables; absent: those of this program. */
  environment?: NodeJS.ProcessEnv;
  /** Its answers come on its stdout, which it keeps to itself; else on its file descriptor 3. */
  answersOnStdout?: boolean;
  /** It leads a group of processes of its own, which ends with it; a terminal's Ctrl-C does not reach it. */
  leadsGroup?: boolean;
  /** File to which all that the worker prints is appended. */
  logFile?: string | null;
  onLog?: (line: string) => void;
}

/** Time in milliseconds for which the pipes of an ended process are still read: a grandchild may hold them open. */
const drainMs = 1000;

/** Starts a worker as a process of this machine. */
export function startChild(spec: ChildSpec): WorkerChannel {
  const { answersOnStdout = false, leadsGroup = false, environment } = spec;
  const child = execa(spec.file, spec.arguments, {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    ...(environment === undefined ? {} : { env: environment, extendEnv: false }),
    detached: leadsGroup,
    buffer: false,
    reject: false,
  });
  const redact = secretsOf(environment ?? process.env);
  const printed = answersOnStdout ? [child.stderr] : [child.stdout, child.stderr];
  child.once('exit', () => {
    if (leadsGroup) killGroup(child.pid);
    setTimeout(() => destroyAll(child.stdio), drainMs).unref();
  });
  // A worker that died leaves a broken pipe; its end is noticed and told elsewhere.
  child.stdin.on('error', () => {});
  return {
    pid: child.pid ?? null,
    requests: child.stdin,
    answers: answersOnStdout ? child.stdout : child.stdio[3],
    log: createWorkerLog(printed, {
      redact,
      file: spec.logFile ?? null,
      onLine: (line) => spec.onLog?.(line),
    }),
    redact,
    ended: child.then((end) => ({ how: describeEnd(end), isMissing: end.code === 'ENOENT' })),
    kill() {
      if (leadsGroup) killGroup(child.pid);
      child.kill('SIGKILL');
    },
  };
}

function secretsOf(environment: NodeJS.ProcessEnv): Redaction {
  const secrets = Object.entries(environment).filter(([name]) => isSecretName(name));
  return createRedaction(secrets.map(([, value]) => value ?? null));
}

/** How a process ended, as the end of a sentence. */
export function describeEnd(end: {
  signal?: string | undefined;
  exitCode?: number | undefined;
  shortMessage?: string | undefined;
}): string {
  if (end.signal === 'SIGKILL') return 'was ended by SIGKILL (the system does this when memory runs out)';
  if (end.signal !== undefined) return `was ended by ${end.signal}`;
  return end.exitCode === undefined ? `could not be started: ${end.shortMessage}` : `ended with code ${end.exitCode}`;
}

/** Kills the worker with all that it started: an engine's own processes would keep the GPU's memory. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // There is no process left in it.
  }
}

function destroyAll(streams: readonly unknown[]): void {
  for (const stream of streams) (stream as Readable | Writable | null)?.destroy();
}
