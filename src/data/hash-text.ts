import { randomFillSync } from 'node:crypto';

/** The lanes of the text that was hashed last. */
export const hash = { low: 0, high: 0 };

const key = randomFillSync(new Int32Array(4));
const state = new Int32Array(4);

/** Rounds after each pair of UTF-16 units, and before each lane of the result: HalfSipHash-2-4. */
const roundsPerWord = 2;
const roundsAtEnd = 4;

/**
 * Half SipHash (Aumasson and Bernstein; 64 bits out) over the UTF-16 units of a text, from a random state of this
 * process: whoever writes ids can't make two that share a hash, as with any hash that is known. The result is left in
 * `hash`, so that nothing is allocated. It means nothing outside of this process: never write it to a file.
 */
export function hashText(text: string): void {
  state.set(key);
  const { length } = text;
  const last = length & 1 ? length - 1 : length;
  for (let at = 0; at < last; at += 2) addWord(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
  if (last < length) addWord(text.charCodeAt(last));
  addWord(length);
  state[2]! ^= 0xee;
  mix(roundsAtEnd);
  hash.low = (state[1]! ^ state[3]!) >>> 0;
  state[1]! ^= 0xdd;
  mix(roundsAtEnd);
  hash.high = (state[1]! ^ state[3]!) >>> 0;
}

function addWord(word: number): void {
  state[3]! ^= word;
  mix(roundsPerWord);
  state[0]! ^= word;
}

function mix(rounds: number): void {
  let [v0, v1, v2, v3] = [state[0]!, state[1]!, state[2]!, state[3]!];
  for (let round = 0; round < rounds; round++) {
    v0 = (v0 + v1) | 0;
    v1 = rotate(v1, 5) ^ v0;
    v0 = rotate(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotate(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotate(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotate(v1, 13) ^ v2;
    v2 = rotate(v2, 16);
  }
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));
