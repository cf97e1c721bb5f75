import type { Fingerprint, PrefixedFingerprint } from '../../files/fingerprint.ts';
import type { AnswerSettings } from '../../core/settings.ts';

/** The settings that differ from those a run was started with, each as `name: old → new`. */
export function findDrift(before: AnswerSettings, now: AnswerSettings): string[] {
  return Object.entries(now).flatMap(([name, value]) => {
    if (choosesRows.has(name)) return [];
    const earlier = before[name as keyof AnswerSettings];
    return isSame(earlier, value) ? [] : [`${name}: ${show(earlier)} → ${show(value)}`];
  });
}

/** Is it another engine, or another model in it? */
export const changesEngine = (before: AnswerSettings, now: AnswerSettings): boolean =>
  (['backend', 'model', 'options'] as const).some((name) => !isSame(before[name], now[name]));

/** They choose which requests are answered, not how: a try with `--limit 10` may go on as the whole run. */
const choosesRows = new Set(['limit', 'sample']);

/** same: unchanged · grown: the old input, with lines added at its end · changed: another one */
export type InputChange = 'same' | 'grown' | 'changed';

export function compareInput(before: Fingerprint, now: PrefixedFingerprint): InputChange {
  if (now.sha256 === before.sha256) return 'same';
  return now.prefixSha256 === before.sha256 ? 'grown' : 'changed';
}

const isSame = (left: unknown, right: unknown): boolean => stable(left) === stable(right);

/** JSON with sorted keys: the order of `--option` flags is no difference. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'unset';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
