import type { Fingerprint, PrefixedFingerprint } from '../../files/fingerprint.ts';
import { type AnswerSettings, opaqueKeys } from '../../core/settings.ts';
import { nameOfTemplate } from '../../core/chat-templates/named-templates.ts';
import { sortedJson } from '../../data/sorted-json.ts';
import { snakeKeys } from '../../text/snake-keys.ts';

/** Compares settings with those that a run was started with: each difference as `name: old → new`, named as in the manifest. */
export function findDrift(before: AnswerSettings, now: AnswerSettings): string[] {
  const [earlier, later] = [namedAsOnDisk(before), namedAsOnDisk(now)];
  return Object.entries(later).flatMap(([name, value]) => {
    if (choosesRows.has(name) || isSame(earlier[name], value)) return [];
    // A form that is found by looking is the same for the same bytes, and these are compared.
    if (name === 'format' && (value === 'auto' || earlier[name] === 'auto')) return [];
    const named = name === 'chat_template' ? nameOfTemplate : (text: unknown) => text;
    return [`${name}: ${show(named(earlier[name]))} → ${show(named(value))}`];
  });
}

const namedAsOnDisk = (settings: AnswerSettings): Record<string, unknown> =>
  snakeKeys(settings, opaqueKeys) as Record<string, unknown>;

/** Whether other settings mean another engine, or another model in it. */
export const changesEngine = (before: AnswerSettings, now: AnswerSettings): boolean =>
  (['backend', 'model', 'options', 'chatTemplate'] as const).some((name) => !isSame(before[name], now[name]));

/** Settings that choose which requests are answered, not how: a try with `--limit 10` may go on as the whole run. */
const choosesRows = new Set(['limit', 'sample']);

/** How an input differs from what it was: not at all, by lines that were added at its end, or otherwise. */
export type InputChange = 'same' | 'grown' | 'changed';

export function compareInput(before: Fingerprint, now: PrefixedFingerprint): InputChange {
  if (now.sha256 === before.sha256) return 'same';
  return now.prefixSha256 === before.sha256 ? 'grown' : 'changed';
}

const isSame = (left: unknown, right: unknown): boolean => sortedJson(left) === sortedJson(right);

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'unset';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
