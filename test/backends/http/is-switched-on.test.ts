import { expect, test } from 'vitest';
import { isSwitchedOn } from '../../../src/backends/http/is-switched-on.ts';

test('a variable is on by the words that llama.cpp knows, and off by all others', () => {
  expect(['1', 'true', 'on', 'enabled'].filter(isSwitchedOn)).toHaveLength(4);
  expect(['0', 'false', 'off', 'TRUE', 'yes', '', null, undefined].filter(isSwitchedOn)).toEqual([]);
});
