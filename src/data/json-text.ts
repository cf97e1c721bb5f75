import { endOfString } from './nesting.ts';

// Values of JSON as the text that they are written in: a number keeps each of its digits, where JSON.parse would round it.
// All of this takes texts that are JSON; of others it makes no sense, but it ends.

/** Members of an object by their names; of a name that comes twice the last one, as JSON.parse has it. */
export function membersOf(json: string): Map<string, string> {
  const members = new Map<string, string>();
  for (let at = json.indexOf('"'); at !== -1;) {
    const nameEnd = endOfString(json, at + 1);
    const colon = json.indexOf(':', nameEnd);
    const end = endOfValue(json, colon + 1);
    members.set(stringOf(json.slice(at, nameEnd + 1)), json.slice(colon + 1, end).trim());
    at = json[end] === ',' ? json.indexOf('"', end) : -1;
  }
  return members;
}

/** The JSON of some members of an object, which is quicker than that of all: undefined for one that is not there. */
export function pickMembers(json: string, names: readonly string[]): (string | undefined)[] {
  const values: (string | undefined)[] = names.map(() => undefined);
  for (let at = json.indexOf('"'); at !== -1;) {
    const nameEnd = endOfString(json, at + 1);
    const colon = json.indexOf(':', nameEnd);
    const end = endOfValue(json, colon + 1);
    for (let index = 0; index < names.length; index++) {
      const name = names[index]!;
      if (name.length === nameEnd - at - 1 && json.startsWith(name, at + 1))
        values[index] = json.slice(colon + 1, end).trim();
    }
    at = json[end] === ',' ? json.indexOf('"', end) : -1;
  }
  return values;
}

/** Elements of a list. */
export function elementsOf(json: string): string[] {
  const elements: string[] = [];
  for (let at = 0; json[at] !== ']' && at < json.length;) {
    const end = endOfValue(json, at + 1);
    const element = json.slice(at + 1, end).trim();
    if (element !== '' || json[end] === ',') elements.push(element);
    at = end;
  }
  return elements;
}

/** The text of a string of JSON. */
export const stringOf = (json: string): string =>
  json.includes('\\') ? (JSON.parse(json) as string) : json.slice(1, -1);

export const isString = (json: string): boolean => json.startsWith('"');
export const isObject = (json: string): boolean => json.startsWith('{');
export const isList = (json: string): boolean => json.startsWith('[');

/** The same JSON on one line, without blanks between its values. */
export const compactJson = (json: string): string =>
  /\s/.test(json) ? json.replaceAll(/("[^"\\]*(?:\\.[^"\\]*)*")|\s+/g, '$1') : json;

/** The JSON of a member of an object, or of an element of a list by its number from 0. */
export function stepInto(json: string, key: string): string | undefined {
  if (isObject(json)) return membersOf(json).get(key);
  return isList(json) && /^\d+$/.test(key) ? elementsOf(json)[Number(key)] : undefined;
}

const [quote, comma, openList, closeList, openObject, closeObject] = Array.from('",[]{}', (mark) => mark.charCodeAt(0));

/** Index of the comma or the bracket behind a value. */
export function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === quote) at = endOfString(json, at + 1);
    else if (code === openObject || code === openList) depth++;
    else if (code === comma && depth === 0) return at;
    else if ((code === closeObject || code === closeList) && depth-- === 0) return at;
  }
  return json.length;
}
