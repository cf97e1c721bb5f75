import type { LosslessNumber, parse, stringify } from 'lossless-json';
import { fieldOf } from './fields.ts';

/** A tag of a Mustache template: its kind, its text, and, of a section, where it ends and the tokens in it. */
export type Token = [kind: string, text: string, start: number, end: number, inner?: Token[] | string];

/** Reads and writes numbers digit by digit. */
export interface ExactJson {
  parse: typeof parse;
  stringify: typeof stringify;
  isLosslessNumber: (value: unknown) => value is LosslessNumber;
}

/** Numbers that are not printed as they are written once JSON.parse has read them are among these. */
const mayChange = /\d[.eE]|\d{16}|-0/;

/** Renders rows by the tokens of a template that names these fields. */
export function createRowRenderer(tokens: readonly Token[], names: readonly string[], exact: ExactJson) {
  const printsNumber = (row: unknown): boolean =>
    names.some((name) => holdsNumber(name === '.' ? row : fieldOf(row, name)));

  const render = (inner: readonly Token[], around: readonly unknown[]): string => {
    let text = '';
    for (const token of inner) text += renderToken(token, around);
    return text;
  };

  const renderToken = ([kind, name, , , inner]: Token, around: readonly unknown[]): string => {
    if (kind === 'text') return name;
    const value = lookUp(around, name);
    // The text is a prompt, not HTML: no escaping.
    if (kind === 'name' || kind === '&') return textOf(value);
    if (!Array.isArray(inner)) return '';
    if (kind === '^') return isEmpty(value) ? render(inner, around) : '';
    const items: unknown[] = Array.isArray(value) ? value : isEmpty(value) ? [] : [value];
    return items.map((item) => render(inner, [item, ...around])).join('');
  };

  const textOf = (value: unknown): string => {
    if (typeof value === 'string') return value;
    // A list or an object is printed as JSON: as text it would be `[object Object]`.
    return value === undefined || value === null ? '' : (exact.stringify(value) ?? '');
  };

  const isEmpty = (value: unknown): boolean =>
    !value || (Array.isArray(value) && value.length === 0) || (exact.isLosslessNumber(value) && Number(value) === 0);

  return (row: Record<string, unknown>, text: string): string => {
    const isExact = mayChange.test(text) && printsNumber(row);
    const source = isExact ? exact.parse(text, null, { onDuplicateKey: ({ newValue }) => newValue }) : row;
    return render(tokens, [source]);
  };
}

/** A section looks a name up in its own item first, then in all that is around it. */
function lookUp(around: readonly unknown[], name: string): unknown {
  if (name === '.') return around[0];
  for (const value of around) {
    const found = fieldOf(value, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function holdsNumber(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'number';
  return Object.values(value).some(holdsNumber);
}
