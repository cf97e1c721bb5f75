import { formatRate } from '../../../text/format.ts';
import { meanOf } from '../../statistics/mean.ts';
import { workersOf } from '../trial-groups.ts';
import { type Evidence, type FindVerdict, usualRate, usualWindows } from './evidence.ts';

const busyPercent = 90;
/** A GPU that does so much more with more workers had room left: its percentage says only that some kernel ran. */
const minGain = 1.1;

/** The GPU computes all the time, and more workers get no more out of it. */
export const findGpuBound: FindVerdict = (evidence) => {
  const utilisation = meanOf(usualWindows(evidence).map(({ gpu }) => gpu?.utilisation));
  if (utilisation === null || utilisation < busyPercent || hasRoom(evidence)) return null;
  return {
    cause: 'gpu-bound',
    text: `The GPU is the limit: it computes ${Math.round(utilisation)}% of the time for ${formatRate(usualRate(evidence))} req/s. A smaller model or quantisation, shorter prompts or fewer answer tokens would be faster. More workers would not.`,
  };
};

function hasRoom(evidence: Evidence): boolean {
  const workers = workersOf(evidence.record) ?? Infinity;
  return evidence.peers.some(
    (peer) => (workersOf(peer.record) ?? 0) > workers && usualRate(peer) >= minGain * usualRate(evidence),
  );
}
