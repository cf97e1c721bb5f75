import { expect, test } from 'vitest';
import { shardFlag, shardName, shardOf } from '../../src/data/shard.ts';

/** Made by Python: `int(hashlib.sha256(id.encode()).hexdigest(), 16) % n + 1`. Another number breaks shards that are there. */
test.each([
  ['r1', [1, 1, 2, 4, 8_750_369]],
  ['r2', [1, 1, 3, 3, 3_692_010]],
  ['line-7', [1, 1, 3, 3, 8_805_801]],
  ['größe', [1, 1, 1, 2, 2_355_259]],
  ['', [1, 2, 2, 2, 8_611_037]],
])('the shard of the id "%s" is its SHA-256 modulo the number of shards', (id, expected) => {
  expect([1, 2, 3, 7, 9_999_999].map((count) => shardOf(id, count))).toEqual(expected);
});

test('shards are about as large as each other', () => {
  const sizes = new Map<number, number>();
  for (let number = 0; number < 30_000; number++) {
    const shard = shardOf(`request-${number}`, 3);
    sizes.set(shard, (sizes.get(shard) ?? 0) + 1);
  }
  expect(sizes.size).toBe(3);
  expect([...sizes.values()].every((size) => Math.abs(size - 10_000) < 400)).toBe(true);
});

test('a shard is called as it is typed, and in words', () => {
  expect([shardFlag({ index: 2, count: 3 }), shardName({ index: 2, count: 3 })]).toEqual(['2/3', 'shard 2 of 3']);
});
