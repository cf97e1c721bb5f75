import { isRecord } from '../../data/is-record.ts';
import { nearest } from '../../text/nearest.ts';
import { printable } from '../../text/printable.ts';

/**
 * The field of that name: a column may be called `address.city`, else it is the `city` of a nested row, and null where
 * the nested row is null. Undefined where there is none; what every object inherits is no field.
 */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
  const dot = name.indexOf('.');
  if (dot === -1) return undefined;
  const outer = fieldOf(value, name.slice(0, dot));
  return outer === null ? null : fieldOf(outer, name.slice(dot + 1));
}

/** Names of fields that a message lists. */
const maxListed = 12;
/** Fields, and characters of their names, among which the one that was meant is looked for. */
const maxCompared = 500;
const maxCharacters = 40;
/** A name that fits into a line is shown whole: the mistake may be its last letter. */
const maxShown = 80;

const shown = (name: string, length = maxShown): string => printable(name, length);

export function listFields(row: Record<string, unknown>): string {
  const names = Object.keys(row);
  const first = names.slice(0, maxListed);
  // Long names are whole where there are few.
  const length = Math.min(maxShown, Math.floor((maxListed * maxCharacters) / first.length));
  const listed = first.map((name) => shown(name, length));
  if (names.length > maxListed) listed.push(`and ${names.length - maxListed} more`);
  return listed.join(', ') || 'no field';
}

/** Says that a row lacks a field, which it has, and which was meant; `where` is where the field is named. */
export function describeMissing(row: Record<string, unknown>, name: string, where = ''): string {
  return `no field "${shown(name)}"${where}; ${describeIn(row, 'the row', name)}`;
}

/** The same of the fields of a template, of which the row may lack several. */
export function describeAllMissing(row: Record<string, unknown>, names: readonly string[]): string {
  const [first = '', ...others] = names;
  if (others.length === 0) return describeMissing(row, first);
  const meant = [...new Set(names.map((name) => likeliest(row, name)).filter((name) => name !== null))];
  const question = meant.length === 0 ? '' : `; did you mean ${meant.map(quoted).join(', ')}?`;
  return `no fields ${names.map(quoted).join(', ')}; the row has: ${listFields(row)}${question}`;
}

const quoted = (name: string): string => `"${shown(name)}"`;

function describeIn(row: Record<string, unknown>, place: string, name: string): string {
  const [outer = '', ...inner] = name.split('.');
  const value = Object.hasOwn(row, outer) ? row[outer] : undefined;
  if (inner.length > 0 && isRecord(value)) return describeIn(value, `"${shown(outer)}"`, inner.join('.'));
  const meant = likeliest(row, name);
  const question = meant === null ? '' : `; did you mean "${shown(meant)}"?`;
  return `${place} has: ${listFields(row)}${question}`;
}

/** Other languages of templates name a field amid words of their own: `text | upper`, `row.text`, `item["text"]`. */
function likeliest(row: Record<string, unknown>, name: string): string | null {
  const words = name.slice(0, maxCharacters).match(/[\p{L}\p{N}_]+/gu) ?? [];
  const named = words.findLast((word) => Object.hasOwn(row, word));
  const candidates = Object.keys(row).slice(0, maxCompared);
  return (
    named ??
    nearest(
      name.slice(0, maxCharacters),
      candidates.filter(({ length }) => length <= maxCharacters),
    )
  );
}
