import { isRecord } from '../../data/is-record.ts';

/** How two answers to one request differ. */
export interface AnswerDifference {
  sameText: boolean;
  /** Fields that either of two JSON answers has (of an expected value: that it has), and how many of them are equal. */
  fields: number;
  sameFields: number;
  /** Absolute differences of the numbers that both have in the same field. */
  differences: number[];
  /** A field went from one word or two, or truth value, to another; capitals and a full stop are no other word. */
  changedVerdict: boolean;
}

/**
 * Compares two answers as texts, and field by field where both are JSON. `isExpected`: `left` is what the input
 * expects, maybe no text, and what it does not name is not compared.
 */
export function compareAnswers(left: unknown, right: string, isExpected = false): AnswerDifference {
  const [from, to] = [parseAnswer(left), parseAnswer(right)];
  const sameText = typeof left === 'string' ? left === right : isDeepEqual(from, to);
  const isJson = from !== undefined && to !== undefined;
  if (!isJson) return { sameText, ...noFields, changedVerdict: isChangedWord(left, right, oneWord) };
  const [before, after] = [fieldsOf(from), fieldsOf(to)];
  const names = [...new Set([...before.keys(), ...(isExpected ? [] : after.keys())])];
  const pairs = names.map((name) => [before.get(name), after.get(name)] as const);
  return {
    sameText,
    fields: pairs.length,
    sameFields: pairs.filter(([one, other]) => isDeepEqual(one, other)).length,
    differences: pairs.flatMap(([one, other]) =>
      typeof one === 'number' && typeof other === 'number' ? [Math.abs(one - other)] : [],
    ),
    changedVerdict: pairs.some(([one, other]) => isChangedWord(one, other, twoWords)),
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

/** The values of a JSON answer by their paths; a list is one value. */
function fieldsOf(value: unknown, path = '', fields = new Map<string, unknown>()): Map<string, unknown> {
  if (!isRecord(value)) return fields.set(path, value);
  for (const [name, inner] of Object.entries(value)) fieldsOf(inner, `${path}/${name}`, fields);
  return fields;
}

/** Whether two values are equal as JSON; the order of their keys does not matter. */
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

const oneWord = /^[\p{L}\p{N}_-]{1,40}$/u;
/** A verdict in a field of its own may have two words: `strong hire`. */
const twoWords = /^[\p{L}\p{N}_-]{1,20}( [\p{L}\p{N}_-]{1,20})?$/u;

function isChangedWord(left: unknown, right: unknown, verdict: RegExp): boolean {
  if (typeof left === 'boolean' && typeof right === 'boolean') return left !== right;
  if (typeof left !== 'string' || typeof right !== 'string') return false;
  const [from, to] = [plain(left), plain(right)];
  return from !== to && verdict.test(from) && verdict.test(to);
}

const plain = (text: string): string => text.trim().replace(/[.!]$/, '').toLowerCase();
