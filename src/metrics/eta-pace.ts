import type { RunEvent } from '../core/events.ts';
import type { Pace, Rest } from './eta-play.ts';
import type { SpeedReading } from './eta-speed.ts';

/** Where the model is; null where nobody tells. */
export type ModelPlace = 'cpu' | 'gpu' | null;

/** From so much use on, in percent, a GPU is taken for the one that answers. */
const busyPercent = 50;
/** The share of a step's time that goes with the number of answers in it. */
const usualShares = {
  cpu: { min: 0.6, max: 1 },
  gpu: { min: 0.1, max: 0.6 },
  unknown: { min: 0.1, max: 1 },
};

/** A model that takes no GPU memory is on the CPU; a GPU that works has it. */
export function placeAfter(event: RunEvent, place: ModelPlace): ModelPlace {
  if (event.type === 'model-memory') return event.memory.vramBytes === 0 ? 'cpu' : 'gpu';
  if (place !== null || event.type !== 'gpu-sample') return place;
  return event.gpus.some(({ utilisation }) => (utilisation ?? 0) >= busyPercent) ? 'gpu' : null;
}

/** Those that have just been sent write nothing yet: a wave is all that is in flight, unless the engine has fewer slots. */
export function fullPaceOf(reading: SpeedReading, inFlight: number): Pace {
  const width = reading.width > 0.9 * inFlight ? inFlight : Math.max(1, Math.round(reading.width));
  return { speed: reading.speed / width, width };
}

/**
 * A prompt token takes no more work than one of an answer, and no part of what a step takes for all, so that what it costs is the
 * least share. How much faster answers grow since fewer are written tells more.
 */
export function shareOf(place: ModelPlace, promptCost: number, { full, now, error }: SeenPaces): Rest['share'] {
  const { min, max } = usualShares[place ?? 'unknown'];
  const within = (value: number): number => Math.min(max, Math.max(min, promptCost, value));
  const fewer = 1 - now.width / full.width;
  if (fewer < 0.1) return { min: within(min), max };
  const seen = (1 - full.speed / now.speed) / fewer;
  return { min: within(seen - (2 * error) / fewer), max: within(seen + (2 * error) / fewer) };
}

/** The pace while requests waited and that of now, with the relative standard error of that. */
interface SeenPaces {
  full: Pace;
  now: Pace;
  error: number;
}
