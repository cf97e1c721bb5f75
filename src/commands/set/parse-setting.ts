import { UsageError } from '../../core/errors.ts';
import { maxSetWorkers } from '../../run/live/max-set-workers.ts';

/** The number of `workers=N`, or null for `workers=auto`. Throws a `UsageError` where the text is neither. */
export function parseSetting(text: string): number | null {
  const [name = '', value] = text.split('=', 2);
  if (name !== 'workers')
    throw new UsageError(
      `a run in progress has no setting "${name}": only workers can be changed`,
      'Type workers=N or workers=auto. To change other settings, stop the run with Ctrl-C, and use llmbatch resume with flags.',
    );
  if (value === 'auto') return null;
  if (value !== undefined && /^[1-9]\d{0,3}$/.test(value) && Number(value) <= maxSetWorkers) return Number(value);
  throw new UsageError(
    value === undefined ? 'workers has no value' : `workers can't be "${value}"`,
    `Type workers=N, with N from 1 to ${maxSetWorkers}, or workers=auto.`,
  );
}
