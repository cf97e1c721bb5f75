import { requestKeys } from '../core/request-keys/request-keys.ts';

type Row = Record<string, unknown>;

const neverSettings = new Set(['id', 'custom_id', 'messages', 'prompt', 'system']);
const settingKeys = new Map([...requestKeys].filter(([name]) => !neverSettings.has(name)));

/**
 * Keys of a plain line that are settings of its request, not data: an engine that does not know one refuses it, rather
 * than that an answer is a success without what was asked for.
 */
export function settingsOf(row: Row): Row {
  const settings: Row = {};
  for (const name in row) {
    const value = row[name];
    if (isSetting(name, value)) settings[name] = value;
  }
  return settings;
}

function isSetting(name: string, value: unknown): boolean {
  const known = settingKeys.get(name);
  return known !== undefined && (known.type.accepts(value) || !(known.isByType === true || known.isLabel === true));
}

/** Says whether a field of a plain line is no data. Labels, such as `metadata`, are both. */
export const isUsed = (name: string, value: unknown): boolean =>
  neverSettings.has(name) || (isSetting(name, value) && settingKeys.get(name)?.isLabel !== true);

/** The first field that stands beside a `body` and would be a setting, or a prompt, inside it; nothing reads it there. */
export const strayKeyOf = (row: Row, body: Row): string | undefined =>
  Object.keys(row).find((name) => isStray(name, row[name]) && row[name] !== body[name]);

function isStray(name: string, value: unknown): boolean {
  if ((value ?? null) === null || name === 'id' || name === 'custom_id') return false;
  const known = settingKeys.get(name);
  if (known === undefined) return neverSettings.has(name);
  return known.type.accepts(value) && known.isByType !== true && known.isLabel !== true && known.isForeign !== true;
}
