import { formatPercent } from '../../../text/format.ts';
import { meanOf } from '../../statistics/mean.ts';
import { type FindVerdict, usualWindows } from './evidence.ts';

/** JavaScript runs on one core: near it there is no room for bursts. */
const limits = { loopBusy: 0.9, cpuPercent: 95, loopOfBusyCpu: 0.7 };

/** Our own event loop or CPU is full: the engine waits for us. */
export const findClientBound: FindVerdict = (evidence) => {
  const samples = usualWindows(evidence).map(({ client }) => client);
  const loop = meanOf(samples.map((sample) => sample?.loop_busy));
  const cpu = meanOf(samples.map((sample) => sample?.cpu_percent));
  if (loop === null || cpu === null) return null;
  // CPU alone may be threads that write and hash beside an idle loop.
  const isFull = loop >= limits.loopBusy || (cpu >= limits.cpuPercent && loop >= limits.loopOfBusyCpu);
  if (!isFull) return null;
  return {
    cause: 'client-bound',
    text: `llmbatch itself is the limit: its event loop is busy ${formatPercent(loop)} of the time, at ${Math.round(cpu)}% of one core. Start one llmbatch for each part of the input, or leave this machine's other work aside.`,
  };
};
