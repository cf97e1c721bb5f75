import { formatPercent } from '../../../text/format.ts';
import { meanOf } from '../../statistics/mean.ts';
import { type FindVerdict, usualWindows } from './evidence.ts';

/**
 * JavaScript runs on one core, and near it there is no room for bursts; tuned on the planted causes of
 * test/bench/planted-causes.test.ts.
 */
const limits = { loopBusy: 0.9, cpuPercent: 95, loopOfBusyCpu: 0.7 };

/** llmbatch itself is the limit: its event loop or CPU is full, and the engine waits for it. */
export const findClientBound: FindVerdict = (evidence) => {
  const samples = usualWindows(evidence).map(({ client }) => client);
  const loop = meanOf(samples.map((sample) => sample?.loopBusy));
  const cpu = meanOf(samples.map((sample) => sample?.cpuPercent));
  if (loop === null || cpu === null) return null;
  // CPU alone may be threads that write and hash beside an idle loop.
  const isFull = loop >= limits.loopBusy || (cpu >= limits.cpuPercent && loop >= limits.loopOfBusyCpu);
  if (!isFull) return null;
  return {
    cause: 'client-bound',
    text: `llmbatch itself is the limit: its event loop is busy ${formatPercent(loop)} of the time, at ${Math.round(cpu)}% of one core. Split the input with --shard and run one llmbatch per part, or stop other programs on this machine.`,
  };
};
