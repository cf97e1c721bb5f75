import type { ErrorKind } from '../errors.ts';

/** Who failed, and with which words. */
export interface FailureWords {
  /** `custom_id` of the request. */
  id: string;
  message: string;
}

/** Failures of one kind whose messages say the same: they differ at most in numbers, ids and quoted text. */
export interface FailureGroup {
  kind: ErrorKind;
  count: number;
  /** Message of the first of them. */
  message: string;
  /** `custom_id` of the first five. */
  ids: string[];
}

export interface FailureGroups {
  add: (kind: ErrorKind, words: FailureWords) => void;
  /** The groups, the largest first. */
  read: () => FailureGroup[];
}

const maxIds = 5;
/** Messages of one kind that are told apart. What else a kind has is in its count alone, so that memory stays bounded. */
const maxGroupsOfKind = 4;

/** Creates an empty collection of failures. It grows with the kinds of failures, not with their number. */
export function createFailureGroups(): FailureGroups {
  const groups = new Map<string, FailureGroup>();
  const groupsOfKind = new Map<ErrorKind, number>();
  return {
    add(kind, { id, message }) {
      const key = `${kind} ${shapeOf(message)}`;
      let group = groups.get(key);
      if (group === undefined) {
        const number = groupsOfKind.get(kind) ?? 0;
        if (number === maxGroupsOfKind) return;
        groupsOfKind.set(kind, number + 1);
        group = { kind, count: 0, message, ids: [] };
        groups.set(key, group);
      }
      group.count++;
      if (group.ids.length < maxIds) group.ids.push(id);
    },
    read: () =>
      [...groups.values()].map((group) => ({ ...group, ids: [...group.ids] })).toSorted((a, b) => b.count - a.count),
  };
}

const maxMessages = 64;

/** Returns for each message the first one that says the same. After 64 different ones it returns no text for others. */
export function createMessagePool(): (message: string) => string {
  const known = new Map<string, string>();
  return (message) => {
    const shape = shapeOf(message);
    const first = known.get(shape);
    if (first !== undefined || known.size === maxMessages) return first ?? '';
    known.set(shape, message);
    return message;
  };
}

/** Characters of a message that are kept. */
const maxCharacters = 300;

/** Cuts a text to what is kept of it. The copy does not hold the whole text in memory, as a slice of it would. */
export function cutWords(text: string): string {
  if (text.length <= maxCharacters) return text;
  return Buffer.from(`${text.slice(0, maxCharacters - 1)}…`, 'utf8').toString('utf8');
}

/** A message without its numbers, and without quoted text that is not a name. */
const shapeOf = (message: string): string =>
  message
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, (quoted) => (/^"[\w.$-]+"$/.test(quoted) ? quoted : '""'))
    .replaceAll(/\d+/g, '0');
