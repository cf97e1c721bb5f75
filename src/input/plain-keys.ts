import { requestKeys } from '../core/request-keys/request-keys.ts';

type Row = Record<string, unknown>;

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
export function usedBy(row: Row): ReadonlySet<string> {
  const used = new Set(neverSettings);
  for (const name in row) {
    if (isSetting(name, row[name]) && requestKeys.get(name)?.isLabel !== true) used.add(name);
  }
  return used;
}
