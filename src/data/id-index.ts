import { hash, hashText } from './hash-text.ts';

/**
 * Maps text keys to numbers without keeping the texts: open addressing over 64-bit hashes, 12 bytes a slot. Two texts
 * with one hash would be taken for one: among a million keys the chance that any two do is 3 in 10^8 (n² / 2^65),
 * whoever chose them.
 */
export interface IdIndex {
  /** The number claimed for this text, or -1. */
  find: (text: string) => number;
  /** Claims the text for `value`; false (and nothing changes) when it is claimed already. */
  claim: (text: string, value: number) => boolean;
}

export function createIdIndex(): IdIndex {
  let mask = 2047;
  let used = 0;
  // A slot holds value + 1; 0 is free.
  let values = new Uint32Array(mask + 1);
  let lows = new Uint32Array(mask + 1);
  let highs = new Uint32Array(mask + 1);

  const slotOf = (low: number, high: number): number => {
    let slot = low & mask;
    while (values[slot] !== 0 && (lows[slot] !== low || highs[slot] !== high)) slot = (slot + 1) & mask;
    return slot;
  };

  const grow = (): void => {
    const old = { values, lows, highs };
    mask = mask * 2 + 1;
    values = new Uint32Array(mask + 1);
    lows = new Uint32Array(mask + 1);
    highs = new Uint32Array(mask + 1);
    for (let index = 0; index < old.values.length; index++) {
      const value = old.values[index] ?? 0;
      if (value === 0) continue;
      const slot = slotOf(old.lows[index] ?? 0, old.highs[index] ?? 0);
      values[slot] = value;
      lows[slot] = old.lows[index] ?? 0;
      highs[slot] = old.highs[index] ?? 0;
    }
  };

  return {
    find(text) {
      hashText(text);
      return (values[slotOf(hash.low, hash.high)] ?? 0) - 1;
    },
    claim(text, value) {
      if (used * 4 >= (mask + 1) * 3) grow();
      hashText(text);
      const slot = slotOf(hash.low, hash.high);
      if (values[slot] !== 0) return false;
      values[slot] = value + 1;
      lows[slot] = hash.low;
      highs[slot] = hash.high;
      used++;
      return true;
    },
  };
}
