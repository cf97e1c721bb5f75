import { formatInteger } from '../core/format.ts';
import type { TrialSpec } from './records.ts';

/** `llama-cpp tiny-scorer, 4 workers, 1,000 requests, num_ctx=4096` */
export function describeSpec({ backend, model, workers, size, strategy, options, batch }: TrialSpec): string {
  return [
    `${backend} ${model}`,
    ...(strategy === 'independent' ? [] : [strategy]),
    workersText(workers),
    `${formatInteger(size)} requests`,
    ...Object.entries(options).map(([key, value]) => `${key}=${value}`),
    ...(batch === null ? [] : [`batch ${batch}`]),
  ].join(', ');
}

export const workersText = (workers: number | null): string =>
  `${workers ?? 'auto'} ${workers === 1 ? 'worker' : 'workers'}`;
