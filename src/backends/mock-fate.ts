import { type MockFault, type MockOptions, faultKind } from './mock-options.ts';

export interface MockFate {
  /** How the attempt fails, or null. */
  fault: MockFault | null;
  /** What the latency is multiplied by. */
  pace: number;
}

/** What becomes of one attempt (from 0) of a request: the same for the same seed, id and attempt, in every process. */
export function drawFate(options: MockOptions, id: string, attempt: number): MockFate {
  const { latency_jitter: jitter, seed } = options;
  const pace = jitter === 0 ? 1 : 1 + jitter * (2 * drawNumber(`${seed} pace ${attempt} ${id}`) - 1);
  return { fault: options.fault_rate === 0 ? null : drawFault(options, id, attempt), pace };
}

function drawFault(options: MockOptions, id: string, attempt: number): MockFate['fault'] {
  const { seed, fault_attempts: faultAttempts } = options;
  if (faultAttempts !== undefined && attempt >= faultAttempts) return null;
  const draw = faultAttempts === undefined ? attempt : 0;
  if (drawNumber(`${seed} fault ${draw} ${id}`) >= options.fault_rate) return null;
  const kinds = faultKinds(options.fault_kinds);
  return kinds[Math.floor(drawNumber(`${seed} kind ${attempt} ${id}`) * kinds.length)] ?? null;
}

/** The kinds of a comma list that the options' schema has checked. */
function faultKinds(list: string): MockFault[] {
  return list
    .split(',')
    .map(faultKind)
    .filter((kind) => kind !== null);
}

/** A number from 0 to below 1 that only the text decides. */
export const drawNumber = (text: string): number => hash53(text) / 2 ** 53;

/** 53 bits of a text: cyrb53 (bryc, public domain). Always the same, so that a fault comes again; nothing to tell ids apart by. */
export function hash53(text: string): number {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 2654435761);
    high = Math.imul(high ^ code, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return 2 ** 32 * (high & 0x1fffff) + (low >>> 0);
}
