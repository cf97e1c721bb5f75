import { expect, test } from 'vitest';
import { estimateEta } from '../../src/metrics/eta.ts';

const known = { left: 1000, rate: 10, standardError: 1, isEnough: true };

test('the range is the rate more and less two standard errors', () => {
  expect(estimateEta(known)).toEqual({ seconds: 100, low: 1000 / 12, high: 125 });
});

test('the range stays finite however uneven the rate is', () => {
  expect(estimateEta({ ...known, standardError: 50 })).toMatchObject({ seconds: 100, high: 400 });
});

test('it is null while something is unknown or nothing moves', () => {
  for (const unknown of [{ left: null }, { rate: null }, { standardError: null }, { rate: 0 }, { isEnough: false }]) {
    expect(estimateEta({ ...known, ...unknown })).toBeNull();
  }
});

test('nothing left takes no time', () => {
  expect(estimateEta({ ...known, left: 0, rate: null })).toEqual({ seconds: 0, low: 0, high: 0 });
});
