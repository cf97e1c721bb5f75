import { formatInteger, formatPercent } from '../../../text/format.ts';
import type { Window } from '../../records/records.ts';
import type { FindVerdict } from './evidence.ts';
import { type StartAndEnd, startAndEnd } from './start-and-end.ts';

/** A clock that falls by less, or heat that rises by less, is noise; GPUs are made to slow down from about 83 °C on. */
const limits = { clockShare: 0.97, riseDegrees: 3, hotDegrees: 80 };

/** The rate falls, and the GPU's clock with it while it gets hot, or its driver says that it slows down. */
export const findThermal: FindVerdict = ({ windows, steady: { trend } }) => {
  if (trend === null || trend > 0) return null;
  const seen = {
    heat: startAndEnd(windows, ({ gpu }) => gpu?.temperature ?? null),
    clock: startAndEnd(windows, ({ gpu }) => gpu?.clock ?? null),
    throttled: startAndEnd(windows, throttledOf),
  };
  if (!slowsDown(seen) || !(isHeating(seen.heat) || isThrottled(seen.throttled))) return null;
  const driver = isThrottled(seen.throttled) ? '; its driver limits the clock' : '';
  return {
    cause: 'thermal',
    text: `The GPU slows down: the rate fell by ${formatPercent(-trend)} over the trial${heatText(seen.heat)}${clockText(seen.clock, windows)}${driver}. Improve its cooling or lower its power limit (nvidia-smi -pl). For a long run, expect the rate at the end of the trial.`,
  };
};

type GpuChanges = Record<'heat' | 'clock' | 'throttled', StartAndEnd | null>;

/** A driver that held the clock down from the start does not explain why the rate falls now. */
function slowsDown({ clock, throttled }: GpuChanges): boolean {
  const isNew = isThrottled(throttled) && throttled.start < 0.5;
  return isNew || clock === null || clock.end < limits.clockShare * clock.start;
}

const isThrottled = (throttled: StartAndEnd | null): throttled is StartAndEnd =>
  throttled !== null && throttled.end >= 0.5;

const throttledOf = ({ gpu }: Window): number | null =>
  gpu === null || gpu.isThrottled === null ? null : Number(gpu.isThrottled);

const isHeating = (heat: StartAndEnd | null): boolean =>
  heat !== null && heat.end >= limits.hotDegrees && heat.end - heat.start >= limits.riseDegrees;

const heatText = (heat: StartAndEnd | null): string =>
  heat === null ? '' : ` while it went from ${Math.round(heat.start)} to ${Math.round(heat.end)} °C`;

function clockText(clock: StartAndEnd | null, windows: readonly Window[]): string {
  if (clock === null) return '';
  const max = windows.find(({ gpu }) => gpu !== null && gpu.maxClock !== null)?.gpu?.maxClock ?? null;
  const of = max === null ? '' : ` of ${formatInteger(max)}`;
  return ` and its clock from ${formatInteger(clock.start)} to ${formatInteger(clock.end)} MHz${of}`;
}
