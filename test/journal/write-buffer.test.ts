import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWriteBuffer } from '../../src/journal/write-buffer.ts';

test('any lines come out as their UTF-8, also when the group is filled again', () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.nat(200_000).map((length) => '語'.repeat(length)),
  );
  const run = fc.property(fc.array(fc.array(line, { maxLength: 5 }), { maxLength: 4 }), (rounds) => {
    const group = createWriteBuffer<number>();
    for (const lines of rounds) {
      for (const [token, text] of lines.entries()) group.add(text, token);
      const wanted = lines.map((text) => Buffer.from(text));
      expect(group.lines).toEqual(wanted.map(({ length }, token) => ({ token, length })));
      expect(group.bytes().equals(Buffer.concat(wanted))).toBe(true);
      expect(group.length).toBe(group.bytes().length);
      group.clear();
      expect([group.length, group.lines.length]).toEqual([0, 0]);
    }
  });
  fc.assert(run, { numRuns: 20 });
});
