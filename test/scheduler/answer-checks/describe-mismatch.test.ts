import { expect, test } from 'vitest';
import { compileSchema } from '../../../src/scheduler/answer-checks/compile-schema.ts';
import { describeMismatch } from '../../../src/scheduler/answer-checks/describe-mismatch.ts';

const long = 'x'.repeat(100);
const cat = { properties: { kind: { const: 'cat' } }, required: ['kind'] };

test.each<[object, unknown, string]>([
  [{ type: 'integer' }, 'seven', 'the whole is "seven", and must be of the type integer'],
  [{ type: ['integer', 'null'] }, 'seven', 'the whole is "seven", and must be of the type integer or null'],
  [{ properties: { a: { type: 'string' } } }, { a: 7 }, '/a is 7, and must be of the type string'],
  [{ items: { maxLength: 3 } }, ['abcd'], '/0 has 4 characters, and must have at most 3'],
  [{ type: 'integer' }, long, `the whole is "${'x'.repeat(56)}..., and must be of the type integer`],
  [
    { properties: { a: { anyOf: [{ type: 'integer' }, { type: 'null' }] } } },
    { a: 'seven' },
    '/a is "seven", and matches none of the allowed forms: integer, null',
  ],
  [
    { oneOf: [{ const: 'red' }, { enum: [1, 2] }, { type: ['boolean', 'null'] }] },
    'blue',
    'the whole is "blue", and matches none of the allowed forms: "red", 1 or 2, boolean or null',
  ],
  [
    {
      anyOf: [{ $ref: '#/$defs/Cat' }, { ...cat, type: 'object' }, { title: 'Dog', properties: {}, minProperties: 9 }],
      $defs: { Cat: cat },
    },
    {},
    'the whole is {}, and matches none of the allowed forms: Cat, object with "kind", object "Dog"',
  ],
  [
    { anyOf: [1, 2, 3, 4, 5, 6].map((value) => ({ const: value })) },
    7,
    'the whole is 7, and matches none of the allowed forms: 1, 2, 3, 4, 5, ...',
  ],
  [
    { oneOf: [{ type: 'integer' }, { type: 'number' }] },
    7,
    'the whole is 7, and fits more than one of the forms, of which it must fit one',
  ],
])('of %j, %j is told by its place, its value and what was expected', (schema, value, sentence) => {
  const validate = compileSchema(schema as Record<string, unknown>);
  expect(validate(value)).toBe(false);
  expect(describeMismatch(validate.errors ?? [], value)).toBe(sentence);
});
