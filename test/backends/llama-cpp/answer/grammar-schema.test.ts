import { describe, expect, test } from 'vitest';
import { grammarSchema } from '../../../../src/backends/llama-cpp/answer/grammar-schema.ts';

describe('a JSON schema for the grammar maker', () => {
  test('keeps what it knows, and leaves limits of a value to the later check', () => {
    const schema = {
      title: 'Score',
      type: 'object',
      properties: { score: { type: 'integer', minimum: 0 }, name: { type: 'string', pattern: '^a', maxLength: 9 } },
      required: ['score'],
      additionalProperties: false,
    };
    expect(grammarSchema(schema)).toEqual({
      type: 'object',
      properties: { score: { type: 'integer' }, name: { type: 'string', maxLength: 9 } },
      additionalProperties: false,
    });
  });

  test('says in other words what would be read as null', () => {
    expect(grammarSchema({ anyOf: [{ type: 'string' }, { const: 3 }] })).toEqual({
      oneOf: [{ type: 'string' }, { const: 3 }],
    });
    expect(grammarSchema({ type: ['object', 'null'], properties: { a: { type: 'null' } } })).toEqual({
      oneOf: [{ type: 'object', properties: { a: { type: 'null' } }, additionalProperties: false }, { type: 'null' }],
    });
    expect(grammarSchema({ type: 'object' })).toMatchObject({ additionalProperties: true });
    expect(grammarSchema({ items: { enum: ['a', null] } })).toEqual({ type: 'array', items: { enum: ['a', null] } });
    expect(grammarSchema({})).toHaveProperty('oneOf');
  });

  test('finds definitions under both of their names', () => {
    const item = { type: 'string' };
    const schema = { allOf: [{ $ref: '#/definitions/Item' }], definitions: { Item: item } };
    expect(grammarSchema(schema)).toEqual({ $ref: '#/$defs/Item', $defs: { Item: item } });
  });

  test.each([
    [{ not: {} }, '`not`'],
    [{ allOf: [{}, {}] }, '`allOf`'],
    [{ type: 'tuple' }, '"tuple"'],
    [{ $ref: 'other.json' }, 'other.json'],
    [{ enum: [{ a: 1 }] }, 'fixed value'],
    [[], '[]'],
  ])('is refused where no grammar says it: %j', (schema, named) => {
    expect(() => grammarSchema(schema)).toThrow(named);
  });
});
