import { describe, expect, test } from 'vitest';
import { inStandardShape, readFormat, responseFormat, unwrapSchema } from '../../src/core/answer-format.ts';

const schema = { type: 'object', properties: { colour: { type: 'string' } } };
const asked = { type: 'json_schema', schema };

describe('a response_format', () => {
  test.each<[string, unknown]>([
    ["OpenAI's", { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } }],
    ["llama.cpp's", { type: 'json_schema', schema }],
    ["llama-cpp-python's", { type: 'json_object', schema }],
    ['one with the schema in the place of the wrapper', { type: 'json_schema', json_schema: schema }],
    ['one in a wrapper too many', { type: 'json_schema', json_schema: { schema: { schema } } }],
  ])('is read in the shape %s', (_name, value) => {
    expect(readFormat(value)).toEqual(asked);
    const standard = inStandardShape(value);
    expect(standard).toMatchObject({ type: 'json_schema', json_schema: { schema } });
    expect(inStandardShape(standard)).toBe(standard);
  });

  test.each([undefined, null, { type: 'text' }])('%j asks for text', (value) => {
    expect(readFormat(value)).toEqual({ type: 'text' });
    expect(inStandardShape(value)).toBe(value);
  });

  test('may ask for any JSON', () => {
    expect(readFormat({ type: 'json_object' })).toEqual({ type: 'json_object' });
  });

  test.each<[unknown, string]>([
    ['json', 'response_format is "json": write an object'],
    [{ type: 'yaml' }, 'response_format has the type "yaml", none of text, json_object, json_schema'],
    [{ type: 'json_schema' }, 'the schema is missing: it belongs in json_schema.schema'],
    [{ type: 'json_schema', json_schema: { name: 'a', strict: true } }, 'the schema is missing'],
    [{ type: 'json_schema', schema: 'x' }, 'the schema is "x", not an object'],
    [{ type: 'json_schema', schema: {} }, 'constrains nothing: for any JSON, ask for the type json_object'],
  ])('%j is told what is wrong with it, and is not changed', (value, reason) => {
    expect(readFormat(value)).toContain(reason);
    expect(inStandardShape(value)).toBe(value);
  });
});

describe('a schema', () => {
  test('is found in the wrappers that people have for it', () => {
    const named = { name: 'answer', schema };
    for (const value of [schema, named, { type: 'json_schema', json_schema: named }, responseFormat(schema)])
      expect(unwrapSchema(value)).toEqual(schema);
  });

  test('that has a property called schema is no wrapper', () => {
    const own = { type: 'object', properties: { schema: { type: 'string' } } };
    expect(unwrapSchema(own)).toBe(own);
  });

  test.each<[unknown, string]>([
    [{ colour: 'red', size: 3 }, 'is it an example of an answer?'],
    [{ colour: { type: 'string' } }, 'write "colour" into {"type": "object", "properties": {...}}'],
    [true, 'constrains nothing'],
    [undefined, 'the schema is missing'],
    [[schema], 'not an object'],
  ])('%j is none', (value, reason) => {
    expect(unwrapSchema(value)).toContain(reason);
  });
});
