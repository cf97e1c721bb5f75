import { expect, test } from 'vitest';
import { areDisjoint } from '../../../src/backends/request/disjoint-branches.ts';

const kind = (name: string): object => ({ properties: { kind: { const: name } }, required: ['kind'] });
const definitions = { $defs: { cat: kind('cat'), dog: kind('dog') } };

test.each<[string, unknown]>([
  ['types', [{ type: 'integer' }, { type: ['string', 'null'] }]],
  ['values', [{ const: 'a' }, { enum: ['b', 1] }]],
  ['values and types', [{ const: 'a' }, { type: 'number' }]],
  ['a key that both must have', [kind('cat'), kind('dog')]],
  ['a key of their definitions', [{ $ref: '#/$defs/cat' }, { $ref: '#/$defs/dog' }]],
])('forms are told apart by %s', (_by, branches) => {
  expect(areDisjoint(branches, definitions)).toBe(true);
});

test.each<[string, unknown]>([
  ['of a whole number and a number', [{ type: 'integer' }, { type: 'number' }]],
  ['of lists with one value in common', [{ enum: ['a', 'b'] }, { enum: ['b', 'c'] }]],
  ['with a key that may be missing', [kind('cat'), { properties: { kind: { const: 'dog' } } }]],
  ['of the same definition', [{ $ref: '#/$defs/cat' }, { $ref: '#/$defs/cat' }]],
  ['elsewhere', [{ $ref: 'cat.json' }, { $ref: 'dog.json' }]],
  ['that say nothing', [{}, true]],
  ['that are no list', { type: 'integer' }],
])('forms %s may fit the same value', (_what, branches) => {
  expect(areDisjoint(branches, definitions)).toBe(false);
});
