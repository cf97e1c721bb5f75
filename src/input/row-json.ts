import { endOfValue, stringOf } from '../data/json-text.ts';
import { endOfString } from '../data/nesting.ts';

/**
 * Makes the row that stays with a result out of the text of its line, which is a JSON object: without the members that the
 * request used, and the others as they are written, digit by digit and in their order. Null stands for a request that used
 * none of them.
 */
export function rowJsonOf(text: string, isUsed: ((name: string) => boolean) | null): string {
  const json = isUsed === null ? text.trim() : `{${othersOf(text, isUsed).join(',')}}`;
  // JSON has them as blanks between values only. In a line some readers take one for its end.
  return json.replaceAll('\r', ' ');
}

function othersOf(text: string, isUsed: (name: string) => boolean): string[] {
  const members: string[] = [];
  for (let start = text.indexOf('"'); start !== -1;) {
    const nameEnd = endOfString(text, start + 1) + 1;
    const end = endOfValue(text, text.indexOf(':', nameEnd) + 1);
    if (!isUsed(stringOf(text.slice(start, nameEnd)))) members.push(text.slice(start, end).trimEnd());
    start = text[end] === ',' ? text.indexOf('"', end) : -1;
  }
  return members;
}
