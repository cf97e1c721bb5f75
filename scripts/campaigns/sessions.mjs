// Starts `llmbatch` as a user would, watches it, and ends it the hard way.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { childrenOf } from './watch-cpu.mjs';

export const bin = fileURLToPath(new URL('../../bin/llmbatch.js', import.meta.url));

/**
 * One session of a run. Ends it with `signal` once `endAt` results are on disk (null: lets it finish). `onDone` is told how
 * many there are, once a second; `onStart` its process; `notes` are the sentences that the user was told.
 * Resolves with { exitCode, signal, seconds, done, peakBytes: {runner, engine}, notes, summary }.
 */
export function runSession(args, { endAt = null, signal = 'SIGKILL', cwd, onDone = () => {}, onStart = () => {} }) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [bin, ...args, '--progress', 'json'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onStart(child.pid);
  const peakBytes = { runner: 0, engine: 0 };
  const state = { done: 0, startedSeconds: null, summary: '', notes: [] };
  child.stdout.on('data', (text) => (state.summary += text));
  createInterface({ input: child.stderr }).on('line', (line) => {
    const seen = parse(line);
    if (typeof seen?.done !== 'number') {
      state.notes.push(seen?.note ?? seen?.error?.message ?? line);
      return;
    }
    onDone(seen.done);
    state.startedSeconds ??= (performance.now() - startedAt) / 1000;
    state.done = seen.done;
    if (endAt !== null && seen.done >= endAt) child.kill(signal);
  });
  const watch = setInterval(() => notePeaks(child.pid, peakBytes), 500);
  return new Promise((resolve) => {
    child.on('close', (exitCode, endedBy) => {
      clearInterval(watch);
      const seconds = (performance.now() - startedAt) / 1000;
      const { done, notes } = state;
      resolve({ exitCode, signal: endedBy, seconds, done, peakBytes, notes, summary: parse(state.summary) });
    });
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** VmHWM: the peak of the resident memory, as the kernel keeps it. */
function notePeaks(pid, peakBytes) {
  peakBytes.runner = Math.max(peakBytes.runner, peakOf(pid));
  for (const child of childrenOf(pid)) peakBytes.engine = Math.max(peakBytes.engine, peakOf(child));
}

function peakOf(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
