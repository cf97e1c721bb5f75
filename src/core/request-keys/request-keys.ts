import { shorten } from '../../text/format.ts';
import { editDistance } from '../../text/nearest.ts';
import { foreignKeys } from './foreign-keys.ts';
import { type RequestKey, knownKeys } from './known-keys.ts';

export const requestKeys: ReadonlyMap<string, RequestKey> = new Map(Object.entries({ ...foreignKeys, ...knownKeys }));

/** Says whether a value of a request means the same as an absent key, on every engine. */
export function isNeutral(name: string, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  const known = requestKeys.get(name);
  if (known?.isLabel === true) return true;
  return known?.neutral?.some((neutral) => neutral === value || isSameJson(neutral, value)) ?? false;
}

const isSameJson = (left: unknown, right: unknown): boolean =>
  typeof left === 'object' && typeof right === 'object' && JSON.stringify(left) === JSON.stringify(right);

/** Names that a slip of the finger is measured against: data is often called as the others are. */
const spelled = ['messages', 'prompt', 'system', 'custom_id'].concat(
  Object.entries(knownKeys).flatMap(([name, { isByType, isLabel }]) => (isByType || isLabel ? [] : [name])),
);

/** The request key that an unknown one is meant to be: `temprature` is `temperature`; null where none is near. */
export function keyMeantBy(name: string): string | null {
  if (requestKeys.has(name) || spelled.includes(name)) return null;
  const plain = inPlainLetters(name);
  if (plain.length < 5) return null;
  const slips = plain.length < 8 ? 1 : 2;
  const near = spelled
    .map((key) => ({ key, distance: distanceBetween(plain, inPlainLetters(key)) }))
    .filter(({ distance }) => distance <= slips)
    .toSorted((left, right) => left.distance - right.distance);
  return near[0]?.key ?? null;
}

const inPlainLetters = (name: string): string => name.toLowerCase().replaceAll(/[^a-z]/g, '');

/** Two letters in the wrong order are one slip. */
function distanceBetween(left: string, right: string): number {
  const isSwapped =
    left.length === right.length && left.split('').toSorted().join() === right.split('').toSorted().join();
  return isSwapped && left !== right ? 1 : editDistance(left, right);
}

/** Why a value of a request can't be what its key asks for; null where it can, or where the key is not known. */
export function problemOf(name: string, value: unknown): string | null {
  const known = requestKeys.get(name);
  if (known === undefined || (known.isForeign !== true && known.type.accepts(value))) return null;
  if (isNeutral(name, value)) return null;
  return known.isForeign === true
    ? `"${name}" is a key that no engine here has: ${known.instead}`
    : `"${name}" is ${shorten(value)}, not ${known.type.wants}`;
}
