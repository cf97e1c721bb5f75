import { expect, test } from 'vitest';
import { isBefore } from '../../src/text/versions.ts';

test.each([
  ['0.9.6', '0.12.6', true],
  ['0.12.5', '0.12.6', true],
  ['0.12.6', '0.12.6', false],
  ['0.30.0', '0.4.9', false],
  ['1.0.0', '0.99.99', false],
  ['0.33.0-rc2', '0.33.0', false],
  ['0.33.3-rc0', '0.33.3', false],
  ['0.33.2-rc9', '0.33.3', true],
  ['0.33', '0.33.1', true],
  ['0.33.1+build5', '0.33.1', false],
])('%s is before %s: %s', (version, other, before) => {
  expect(isBefore(version, other)).toBe(before);
});
