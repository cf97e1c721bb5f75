import type { UsedNames } from './plain-keys.ts';
import { endOfString } from '../data/nesting.ts';

/**
 * Makes the row that stays with a result out of the text of its line, which is a JSON object: without the members that the
 * request used, and the others as they are written, digit by digit and in their order.
 */
export function rowJsonOf(text: string, used: UsedNames): string {
  const json = isEmpty(used) ? text.trim() : `{${othersOf(text, used).join(',')}}`;
  // JSON has them as blanks between values only. In a line some readers take one for its end.
  return json.replaceAll('\r', ' ');
}

const isEmpty = (used: UsedNames): boolean => used instanceof Set && used.size === 0;

function othersOf(text: string, used: UsedNames): string[] {
  const members: string[] = [];
  for (let start = text.indexOf('"'); start !== -1;) {
    const nameEnd = endOfString(text, start + 1) + 1;
    const end = endOfMember(text, nameEnd);
    if (!used.has(nameIn(text.slice(start, nameEnd)))) members.push(text.slice(start, end).trimEnd());
    start = text[end] === ',' ? text.indexOf('"', end) : -1;
  }
  return members;
}

/** The text of a member's value, the last one where the name is there twice; null where it is not there. */
export function memberText(text: string, name: string): string | null {
  const member = othersOf(text, { has: (other) => other !== name }).at(-1);
  return member === undefined ? null : member.slice(endOfString(member, 1) + 1).replace(/^\s*:\s*/, '');
}

const nameIn = (quoted: string): string =>
  quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);

/** Index of the comma or the brace behind a member's value. */
function endOfMember(text: string, from: number): number {
  const marks = /["{}[\],]/g;
  marks.lastIndex = from;
  let depth = 0;
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    const [mark] = found;
    if (mark === '"') marks.lastIndex = endOfString(text, found.index + 1) + 1;
    else if (mark === '{' || mark === '[') depth++;
    else if (depth === 0) return found.index;
    else if (mark !== ',') depth--;
  }
  return text.length;
}
