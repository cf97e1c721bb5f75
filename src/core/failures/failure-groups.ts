import { formatInteger } from '../../text/format.ts';
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
  /** Message of the first of them, with the range of its counts where they differ: `after 80 to 320 tokens`. */
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
  const groups = new Map<string, FailureGroup & { ranges: CountRange[] }>();
  const groupsOfKind = new Map<ErrorKind, number>();
  return {
    add(kind, { id, message }) {
      const key = `${kind} ${shapeOf(message)}`;
      let group = groups.get(key);
      if (group === undefined) {
        const number = groupsOfKind.get(kind) ?? 0;
        if (number === maxGroupsOfKind) return;
        groupsOfKind.set(kind, number + 1);
        group = { kind, count: 0, message, ids: [], ranges: [] };
        groups.set(key, group);
      }
      widen(group.ranges, message);
      group.count++;
      if (group.ids.length < maxIds) group.ids.push(id);
    },
    read: () =>
      [...groups.values()]
        .map(({ ranges, ids, ...group }) => ({
          ...group,
          message: withRanges(group.message, ranges),
          ids: [...ids],
        }))
        .toSorted((a, b) => b.count - a.count),
  };
}

/** The smallest and the largest of the counts that stand in one place of the messages of a group. */
interface CountRange {
  min: number;
  max: number;
}

/** Numbers that count something, so that a range of them says something too. */
const counts = /\d+(?:,\d{3})*(?= tokens?\b)/g;

function widen(ranges: CountRange[], message: string): void {
  for (const [place, [digits]] of [...message.matchAll(counts)].entries()) {
    const count = Number(digits.replaceAll(',', ''));
    const { min, max } = ranges[place] ?? { min: count, max: count };
    ranges[place] = { min: Math.min(min, count), max: Math.max(max, count) };
  }
}

function withRanges(message: string, ranges: readonly CountRange[]): string {
  const places = ranges.values();
  return message.replaceAll(counts, (digits) => {
    const { value: range } = places.next();
    return range === undefined || range.min === range.max
      ? digits
      : `${formatInteger(range.min)} to ${formatInteger(range.max)}`;
  });
}

const maxMessages = 128;

/**
 * Returns an equal message that was given before, so that one text is kept for all that are the same. After so many, the first
 * one that differs in numbers and quoted text alone, and no text where there is none.
 */
export function createMessagePool(): (message: string) => string {
  const known = new Map<string, string>();
  return (message) => {
    const same = known.get(message);
    if (same !== undefined) return same;
    const shape = shapeOf(message);
    const first = known.get(shape);
    if (known.size >= maxMessages) return first ?? '';
    known.set(message, message);
    if (first === undefined) known.set(shape, message);
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
    .replaceAll(/\d+(?:,\d{3})*/g, '0');
