import { elementsOf, isList, isObject, isString, membersOf, stringOf } from '../data/json-text.ts';

/** The JSON of a value, digit by digit as it is written; undefined where there is none. */
export type Cell = string | undefined;

/** Members of a JSON object: the JSON of each by its name. */
export type Members = ReadonlyMap<string, string>;

const none: Members = new Map();

export const asMembers = (cell: Cell): Members => (cell !== undefined && isObject(cell) ? membersOf(cell) : none);
export const asList = (cell: Cell): string[] => (cell !== undefined && isList(cell) ? elementsOf(cell) : []);

/** The text of a cell that is a string; null for any other. */
export const textIn = (cell: Cell): string | null => (cell !== undefined && isString(cell) ? stringOf(cell) : null);
