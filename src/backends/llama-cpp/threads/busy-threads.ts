import { cpus } from 'node:os';
import type { OpenRequest } from '../../../core/backend.ts';
import { busyCores } from '../../../machine/busy-cores.ts';
import { formatCounted } from '../../../text/format.ts';

/** Looks for a moment whether other programs leave the cores for the usual threads; null where they do, or the user chose. */
export async function adviseFewerThreads(
  { options, signal }: Pick<OpenRequest, 'options' | 'signal'>,
  { threads }: { threads: number },
): Promise<string | null> {
  if (options['threads'] !== undefined || threads === 1) return null;
  return fewerThreads({ threads, cores: cpus().length, busy: await busyCores(signal) });
}

interface CoreUse {
  threads: number;
  cores: number;
  /** Cores that other programs keep busy. */
  busy: number;
}

/**
 * At each step of the model all its threads wait for the slowest: with two threads on two cores, of which others kept one busy,
 * answers came 2.5 times slower than with one thread, and 15 times slower where others kept both busy.
 */
export function fewerThreads({ threads, cores, busy }: CoreUse): string | null {
  const free = Math.max(1, Math.round(cores - busy));
  if (free >= threads) return null;
  return `llama-cpp takes ${formatCounted(threads, 'CPU thread')}, but other programs keep ${busy.toFixed(1)} of the ${cores} cores busy: --option threads=${free} may be several times faster`;
}
