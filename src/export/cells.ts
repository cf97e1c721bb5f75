import { elementsOf, isList, isObject, isString, membersOf, stringOf } from '../data/json-text.ts';

/** The JSON of a value, digit by digit as it is written; undefined where there is none. */
export type Cell = string | undefined;

/** Members of a JSON object: the JSON of each by its name. */
export type Members = ReadonlyMap<string, string>;

const none: Members = new Map();

/** Value of a member; undefined where it is null, or not there. */
export function valueIn(members: Members, name: string): Cell {
  const json = members.get(name);
  return json === 'null' ? undefined : json;
}

export const asMembers = (cell: Cell): Members => (cell !== undefined && isObject(cell) ? membersOf(cell) : none);
export const membersIn = (members: Members, name: string): Members => asMembers(members.get(name));
export const asList = (cell: Cell): string[] => (cell !== undefined && isList(cell) ? elementsOf(cell) : []);
export const listIn = (members: Members, name: string): string[] => asList(members.get(name));

/** The text of a cell that is a string; null for any other. */
export const textIn = (cell: Cell): string | null => (cell !== undefined && isString(cell) ? stringOf(cell) : null);
