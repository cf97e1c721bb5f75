import {
  formatBytes,
  formatInteger,
  formatPercent,
  formatRate,
  formatSeconds,
  notMeasured,
} from '../../../text/format.ts';
import type { LiveNumbers } from './api.ts';
import { byId, make, setText } from './dom.ts';

/** A number of the headline, and what stands small below it. */
type Figure = [label: string, read: (numbers: LiveNumbers) => { value: string; below: string }];

const figures: Figure[] = [
  [
    'Requests/s',
    ({ recent_rate: recent, overall_rate: overall, in_flight: inFlight, workers }) => ({
      value: formatRate(recent ?? overall),
      below: `${formatInteger(inFlight)} of ${formatInteger(workers)} in flight`,
    }),
  ],
  [
    'Generation tokens/s',
    ({ recent_generation_rate: recent, overall_generation_rate: overall }) => ({
      value: formatRate(recent ?? overall),
      below: `${formatRate(overall)} over all`,
    }),
  ],
  [
    'Prompt tokens/s',
    ({ recent_prompt_rate: recent, overall_prompt_rate: overall, tokens }) => ({
      value: formatRate(recent ?? overall),
      below:
        tokens.cache_hit_rate === null
          ? `${formatRate(overall)} over all`
          : `${formatPercent(tokens.cache_hit_rate)} from the cache`,
    }),
  ],
  [
    'Time left',
    ({ eta }) =>
      eta === null
        ? { value: notMeasured, below: '' }
        : { value: formatSeconds(eta.seconds), below: `${formatSeconds(eta.low)} to ${formatSeconds(eta.high)}` },
  ],
  ['GPU memory', readMemory],
  [
    'Failed requests',
    ({ failed, done }) => ({
      value: formatInteger(failed),
      below: done === 0 ? '' : `${formatPercent(failed / done)} of ${formatInteger(done)}`,
    }),
  ],
];

/** Used and total memory of all GPUs, else what the engine says of its model. */
function readMemory({ gpus, gpu_peak_bytes: peak, model_memory: model }: LiveNumbers) {
  const used = sum(gpus?.map(({ used_bytes: bytes }) => bytes) ?? []);
  const total = sum(gpus?.map(({ total_bytes: bytes }) => bytes) ?? []);
  if (used !== null)
    return {
      value: total === null ? formatBytes(used) : memoryText(formatBytes(used), formatBytes(total)),
      below: peak === null ? '' : `${formatBytes(peak)} at its peak`,
    };
  return model === null
    ? { value: notMeasured, below: '' }
    : { value: formatBytes(model.vram_bytes), below: 'of the model' };
}

/** `12.0 of 16.0 GiB`: a unit that both have stands once. */
const memoryText = (used: string, total: string): string =>
  `${used.endsWith(' GiB') && total.endsWith(' GiB') ? used.slice(0, -' GiB'.length) : used} of ${total}`;

function sum(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

/** Draws the headline into the page. Returns what takes the numbers of the batch that runs; null: none does. */
export function createHeadline(): (numbers: LiveNumbers | null) => void {
  const tiles = figures.map(([label, read]) => ({
    read,
    value: make('dd', 'value'),
    below: make('dd', 'below'),
    label,
  }));
  byId('headline').append(
    ...tiles.map(({ label, value, below }) => make('div', '', make('dt', '', label), value, below)),
  );
  return (numbers) => {
    for (const { read, value, below } of tiles) {
      const texts = numbers === null ? { value: notMeasured, below: '' } : read(numbers);
      setText(value, texts.value);
      setText(below, texts.below);
    }
  };
}
