import { isRecord } from '../core/is-record.ts';

/** How two answers to one request differ. */
export interface AnswerDifference {
  sameText: boolean;
  /** Of answers that are both JSON: the fields that either has, and how many of them are equal. */
  fields: number;
  sameFields: number;
  /** Absolute differences of the numbers that both have in the same field. */
  differences: number[];
  /** A field went from one word to another. */
  changedVerdict: boolean;
}

/** Compares two answers as texts, and field by field where both are JSON. `left` may be an expected value that is no text. */
export function compareAnswers(left: unknown, right: string): AnswerDifference {
  const [from, to] = [parseAnswer(left), parseAnswer(right)];
  const sameText = typeof left === 'string' ? left === right : isDeepEqual(from, to);
  const isJson = from !== undefined && to !== undefined;
  if (!isJson) return { sameText, ...noFields, changedVerdict: isChangedWord(left, right) };
  const [before, after] = [fieldsOf(from), fieldsOf(to)];
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const pairs = names.map((name) => [before.get(name), after.get(name)] as const);
  return {
    sameText,
    fields: pairs.length,
    sameFields: pairs.filter(([one, other]) => isDeepEqual(one, other)).length,
    differences: pairs.flatMap(([one, other]) =>
      typeof one === 'number' && typeof other === 'number' ? [Math.abs(one - other)] : [],
    ),
    changedVerdict: pairs.some(([one, other]) => isChangedWord(one, other)),
  };
}

const noFields = { fields: 0, sameFields: 0, differences: [] };

const fence = /^```(?:json)?\s*\n([\s\S]*?)\n?```$/;

/** The JSON value of an answer, also inside a Markdown fence; undefined where it is none. */
function parseAnswer(answer: unknown): unknown {
  if (typeof answer !== 'string') return answer;
  const text = answer.trim();
  try {
    return JSON.parse(fence.exec(text)?.[1] ?? text) as unknown;
  } catch {
    return undefined;
  }
}

/** Values by their paths; a list is one value. */
function fieldsOf(value: unknown, path = '', fields = new Map<string, unknown>()): Map<string, unknown> {
  if (!isRecord(value)) return fields.set(path, value);
  for (const [name, inner] of Object.entries(value)) fieldsOf(inner, `${path}/${name}`, fields);
  return fields;
}

/** Equal as JSON, whatever the order of the keys. */
function isDeepEqual(left: unknown, right: unknown): boolean {
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((value, index) => isDeepEqual(value, right[index]));
  if (!isRecord(left) || !isRecord(right)) return left === right;
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && isDeepEqual(left[name], right[name]))
  );
}

const word = /^[\p{L}\p{N}_-]{1,40}[.!]?$/u;

const isChangedWord = (left: unknown, right: unknown): boolean =>
  typeof left === 'string' && typeof right === 'string' && left !== right && word.test(left) && word.test(right);
