import { expect } from 'vitest';

const voidTags = new Set(['meta', 'br', 'hr', 'img', 'link', 'wbr']);

/** Each tag of the page is closed, in its turn. */
export function expectWellFormed(page: string): void {
  const open: string[] = [];
  for (const [, end, tag = '', , self] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)((?:"[^"]*"|[^">])*?)(\/?)>/gi)) {
    if (self === '/' || voidTags.has(tag)) continue;
    if (end === '/') expect([tag, open.pop()]).toEqual([tag, tag]);
    else open.push(tag);
  }
  expect(open).toEqual([]);
}
