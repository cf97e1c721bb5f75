/** The lanes of the text that was hashed last. */
export const hash = { low: 0, high: 0 };

/** The two lanes of cyrb53 (bryc, public domain) at their full 64 bits, left in `hash` so that nothing is allocated. */
export function hashText(text: string): void {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 2654435761);
    high = Math.imul(high ^ code, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  hash.low = low >>> 0;
  hash.high = high >>> 0;
}
