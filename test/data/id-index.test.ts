import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createIdIndex } from '../../src/data/id-index.ts';

/** 96 random bits each, in hex. */
function randomIds(count: number): string[] {
  const bytes = randomBytes(count * 12).toString('hex');
  return Array.from({ length: count }, (_, index) => bytes.slice(index * 24, index * 24 + 24));
}

test('a million random ids are found again, and no other one is', { timeout: 30_000 }, () => {
  const index = createIdIndex();
  const ids = randomIds(1_000_000);
  expect(ids.every((id, number) => index.claim(id, number))).toBe(true);
  expect(ids.every((id, number) => index.find(id) === number)).toBe(true);
  const others = randomIds(100_000);
  expect(others.every((id) => index.find(id) === -1)).toBe(true);
});

// Counted-up ids differ in their last characters only, where a weak hash collides.
test.each([
  ['request-', 0],
  ['', 1_000_000_000],
  ['候補者-', 0],
  ['https://example.com/candidates?id=', 5],
])('ids that count up after %j do not collide', (prefix, start) => {
  const index = createIdIndex();
  let claimed = 0;
  for (let number = 0; number < 200_000; number++) claimed += Number(index.claim(`${prefix}${start + number}`, number));
  expect(claimed).toBe(200_000);
  expect(index.find(`${prefix}${start + 123_456}`)).toBe(123_456);
  expect(index.find(`${prefix}${start + 200_000}`)).toBe(-1);
});

test('ids of two characters, of all kinds, do not collide', () => {
  const index = createIdIndex();
  let claimed = 0;
  for (let code = 0; code < 65_536; code += 7) {
    for (const last of ['a', 'b', '\0', '\uffff'])
      claimed += Number(index.claim(String.fromCharCode(code) + last, claimed));
  }
  expect(claimed).toBe(Math.ceil(65_536 / 7) * 4);
});

test('an id is claimed once, and keeps its first number', () => {
  const index = createIdIndex();
  expect([index.claim('a', 0), index.claim('a', 1), index.find('a')]).toEqual([true, false, 0]);
});

test.each(['', '__proto__', 'constructor', ' ', 'a\nb', '\ud800', 'x'.repeat(100_000)])(
  '%j is an id like any other',
  (id) => {
    const index = createIdIndex();
    expect(index.find(id)).toBe(-1);
    index.claim(id, 7);
    expect(index.find(id)).toBe(7);
  },
);

test('an id that was made to collide with another, under a hash that is known, is another id', () => {
  const index = createIdIndex();
  // A second preimage under cyrb53, which takes a second to find.
  const made = '57Warnaaa聡聡a聡a聡聡聡a聡聡a聡聡聡a聡聡a聡aa聡aa聡a聡aaa聡aaaaa';
  expect([index.claim('bob@example.com', 0), index.claim(made, 1)]).toEqual([true, true]);
});

test('texts that differ only in what a pair of units is made of are told apart', () => {
  const index = createIdIndex();
  const texts = ['', '\0', '\0\0', 'a', 'a\0', '\0a', 'ab', 'ba', '\u6261', 'aa', 'aaa', 'aaaa'];
  expect(texts.map((text, number) => index.claim(text, number))).toEqual(texts.map(() => true));
});
