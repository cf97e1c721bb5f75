import { requestKeys } from '../core/request-keys/request-keys.ts';

type Row = Record<string, unknown>;

/** Names of fields that do not stay with the result. */
export type UsedNames = Pick<ReadonlySet<string>, 'has'>;

const neverSettings = new Set(['id', 'custom_id', 'messages', 'prompt', 'system']);

/**
 * Keys of a plain line that are settings of its request, not data: an engine that does not know one refuses it, rather
 * than that an answer is a success without what was asked for.
 */
export function settingsOf(row: Row): Row {
  const settings: Row = {};
  for (const name in row) {
    if (isSetting(name, row[name])) settings[name] = row[name];
  }
  return settings;
}

function isSetting(name: string, value: unknown): boolean {
  const known = requestKeys.get(name);
  if (known === undefined || neverSettings.has(name)) return false;
  return known.type.accepts(value) || !(known.isByType === true || known.isLabel === true);
}

/** The fields of a plain line that are no data. Labels, such as `metadata`, are both. */
export const usedBy = (row: Row): UsedNames => ({
  has: (name) => neverSettings.has(name) || (isSetting(name, row[name]) && requestKeys.get(name)?.isLabel !== true),
});
