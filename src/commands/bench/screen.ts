import type { TrialRecord } from '../../bench/records/records.ts';
import { rateOf } from '../../bench/statistics/mean.ts';
import { describeSpec } from '../../bench/analysis/trial-groups.ts';
import type { TrialPlace } from '../../bench/run-bench.ts';
import { formatDuration, formatInteger, formatRate, formatSeconds } from '../../text/format.ts';
import type { Notify } from '../../core/events.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import type { ProgressMode } from '../../progress/index.ts';
import { createScreen } from '../shared/screen.ts';

/** What a user sees of a bench while it runs, on stderr. */
export interface BenchScreen {
  note: (text: string) => void;
  /** Tells a notice of a trial, once: trials say much that the one before them said. Their titles tell the choices. */
  notify: Notify;
  startTrial: (place: TrialPlace, snapshot: () => Snapshot) => void;
  endTrial: (record: TrialRecord, place: TrialPlace) => void;
  close: () => void;
}

export function createBenchScreen(mode: ProgressMode, isVerbose: boolean): BenchScreen {
  const screen = createScreen(mode, isVerbose);
  const said = new Set<string>();
  return {
    note: screen.note,
    notify(notice) {
      if (notice.topic === 'choice' || said.has(notice.text)) return;
      said.add(notice.text);
      screen.notify(notice);
    },
    startTrial(place, snapshot) {
      screen.start(snapshot, titleOf(place));
    },
    endTrial(record, place) {
      screen.close();
      screen.note([`${titleOf(place)}: ${outcomeOf(record)}`, ...progressOf(place)].join(' · '));
    },
    close: screen.close,
  };
}

const titleOf = ({ spec, position, total }: TrialPlace): string =>
  `trial ${position} of ${total}: ${describeSpec(spec)}`;

/** How far the bench is. */
function progressOf({ done, secondsLeft }: TrialPlace): string[] {
  const isLast = secondsLeft === null || secondsLeft === 0;
  return [...bestOf(done), ...(isLast ? [] : [`about ${formatSeconds(secondsLeft)} left`])];
}

function outcomeOf({ state, error, succeeded, failed, seconds }: TrialRecord): string {
  if (state === 'failed') return `failed: ${error}`;
  const answered =
    failed === 0
      ? formatInteger(succeeded)
      : `${formatInteger(succeeded)} of ${formatInteger(succeeded + failed)} succeeded,`;
  return `${formatRate(rateOf({ succeeded, seconds }))} req/s (${answered} in ${formatDuration(seconds * 1000)})`;
}

function bestOf(done: readonly TrialRecord[]): string[] {
  const [best] = done
    .filter(({ state, succeeded }) => state === 'finished' && succeeded > 0)
    .toSorted((left, right) => (rateOf(right) ?? 0) - (rateOf(left) ?? 0));
  return best === undefined ? [] : [`best so far ${formatRate(rateOf(best))} req/s (trial ${best.spec.number})`];
}
