import { cpus } from 'node:os';
import type { OpenRequest } from '../../../core/backend.ts';
import { busyCores } from '../../../machine/busy-cores.ts';
import { formatCounted } from '../../../text/format.ts';

interface CoreUse {
  threads: number;
  cores: number;
  /** Cores that other programs keep busy. */
  busy: number;
}

/** Threads that are fewer than usual, because other programs have the cores. */
export interface FewerThreads {
  threads: number;
  /** That the usual ones are taken, and what these would do. */
  advice: string;
  /** That these are taken. */
  notice: string;
}

/** Time in milliseconds for which the cores are watched: what keeps them busy for less will not be there in a minute. */
const watchMs = 500;

/** Looks whether other programs leave the cores for the usual threads; null where they do, or the user chose. */
export async function findFewerThreads(
  { options, signal }: Pick<OpenRequest, 'options' | 'signal'>,
  { threads }: { threads: number },
): Promise<FewerThreads | null> {
  if (options['threads'] !== undefined || threads === 1) return null;
  return fewerThreads({ threads, cores: cpus().length, busy: await busyCores(signal, watchMs) });
}

/**
 * At each step of the model all its threads wait for the slowest: with two threads on two cores, of which others kept one busy,
 * answers came 2.5 times slower than with one thread, and 15 times slower where others kept both busy.
 */
export function fewerThreads({ threads, cores, busy }: CoreUse): FewerThreads | null {
  const free = Math.max(1, Math.round(cores - busy));
  if (free >= threads) return null;
  const others = `other programs keep ${busy.toFixed(1)} of the ${cores} cores busy`;
  const usual = formatCounted(threads, 'CPU thread');
  return {
    threads: free,
    advice: `llama-cpp takes ${usual}, but ${others}: --option threads=${free} may be several times faster`,
    notice: `llama-cpp takes ${formatCounted(free, 'CPU thread')}, because ${others}; without them: --option threads=${threads}`,
  };
}
