import { withoutThinking } from './thinking.ts';

/** JSON found in an answer, as a value and as text, and what it was taken out of. A string says why there is none. */
export interface FoundJson {
  value: unknown;
  json: string;
  unwrapped?: 'fence' | 'think';
}

/** Takes the JSON out of an answer: all of it, or what one markdown fence holds, or what stands behind the thinking. */
export function findJson(content: string): FoundJson | string {
  const found = takeJson(content);
  if (typeof found === 'string' || !mayBeEndless.test(found.json) || !holdsEndless(found.value)) return found;
  return 'the answer contains a number that is too large';
}

/** Most answers have no such number, and need not be walked through. */
const mayBeEndless = /\d[eE]\+?\d{3}|\d{309}/;

/** JSON.parse makes Infinity of a number beyond 1.8e308, and JSON.stringify null of that. */
const holdsEndless = (value: unknown): boolean =>
  typeof value === 'object' && value !== null
    ? Object.values(value).some(holdsEndless)
    : value === Infinity || value === -Infinity;

function takeJson(content: string): FoundJson | string {
  const whole = parsed(content);
  if (whole !== null) return whole;
  const { text, thinking } = withoutThinking(content);
  const behind = thinking === null ? null : parsed(text);
  if (behind !== null) return { ...behind, unwrapped: 'think' };
  const inner = fence.exec(text)?.[2];
  const fenced = inner === undefined ? null : parsed(inner);
  if (fenced !== null) return { ...fenced, unwrapped: thinking === null ? 'fence' : 'think' };
  return whyNot(text);
}

/**
 * A fence from the first line to the last. A text inside may hold one too: whether it is JSON tells that it is one
 * whole.
 */
const fence = /^(`{3,}|~{3,})[\w-]*\s([\s\S]*)\1$/;

function parsed(json: string): { value: unknown; json: string } | null {
  try {
    return { value: JSON.parse(json) as unknown, json };
  } catch {
    return null;
  }
}

/** A text that is no JSON, in the words of a user. */
function whyNot(text: string): string {
  if (text === '') return 'the answer is not JSON, but empty';
  if (holdsJson(text)) return `the JSON is inside other text, but the whole answer must be JSON: ${quote(text)}`;
  if (!/^[[{"]/.test(text)) return `the answer is not JSON, but text: ${quote(text)}`;
  return `the answer is not valid JSON: it begins with ${quote(text)} and ends with ${quote(text.slice(-shownAtEnd))}`;
}

const shownAtEnd = 20;
const shown = 60;

/** Says whether the text between the first and the last brace is JSON. */
function holdsJson(text: string): boolean {
  const [start, end] = [text.search(/[[{]/), Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'))];
  return start !== -1 && end > start && parsed(text.slice(start, end + 1)) !== null;
}

/** Quotes a text on one line, shortened. */
const quote = (text: string): string => {
  const line = JSON.stringify(text.slice(0, shown));
  return text.length > shown ? `${line.slice(0, -1)}..."` : line;
};
