import { expect, test } from 'vitest';
import { chooseServer, isNewer } from '../../../../src/backends/llama-cpp/server/choose-server.ts';

test.each<[string, string, boolean]>([
  ['0.7.0 (build 11669)', 'v0.5.0', true],
  ['0.5.1 (build 11002)', 'v0.5.0', true],
  ['0.5.0 (build 11000)', 'v0.5.0', false],
  ['0.10.0 (build 12000)', 'v0.9.0', true],
  ['b6123', 'v0.5.0', false],
  ['0.1.0 (build 10000)', 'b6123', true],
  ['b6124', 'b6123', true],
])('a server of version %s beside a library of %s: newer is %s', (version, release, expected) => {
  expect(isNewer(version, release)).toBe(expected);
});

test('no server is looked for with off', async () => {
  expect((await chooseServer('off', 'auto')).server).toBeNull();
});
