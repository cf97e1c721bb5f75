import type { Verdict } from '../analysis.ts';
import { findClientBound } from './client-bound.ts';
import { findContext } from './context.ts';
import type { Evidence, FindVerdict } from './evidence.ts';
import { findGpuBound } from './gpu-bound.ts';
import { findMemory } from './memory.ts';
import { findSerialised } from './serialised.ts';
import { findThermal } from './thermal.ts';

/** Finders of the causes, in the order of `causes`. */
const finders: FindVerdict[] = [findClientBound, findMemory, findThermal, findContext, findSerialised, findGpuBound];

export const findVerdicts = (evidence: Evidence): Verdict[] =>
  finders.map((find) => find(evidence)).filter((verdict) => verdict !== null);
