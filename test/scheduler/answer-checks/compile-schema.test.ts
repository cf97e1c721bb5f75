import { describe, expect, test } from 'vitest';
import { compileSchema } from '../../../src/scheduler/answer-checks/compile-schema.ts';

describe('a schema', () => {
  test.each([
    { prefixItems: [{ type: 'integer' }] },
    { items: [{ type: 'integer' }] },
    ...[
      'http://json-schema.org/draft-06/schema#',
      'http://json-schema.org/draft-07/schema#',
      'https://json-schema.org/draft/2019-09/schema',
    ].map(($schema) => ({ $schema, items: [{ type: 'integer' }] })),
    { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ type: 'integer' }] },
  ])('is read by the dialect that it means: %j', (schema) => {
    const validate = compileSchema(schema);
    expect([validate([1]), validate(['one'])]).toEqual([true, false]);
  });

  test.each([
    ['email', 'a@example.com', 'Red Apple'],
    ['uuid', '2f1b9a3e-5a1c-4b1e-9d57-0c6b1a2f3e4d', 'Red Apple'],
    ['date', '2026-01-31', '31.1.2026'],
  ])('has the format %s checked', (format, right, wrong) => {
    const validate = compileSchema({ type: 'string', format });
    expect([validate(right), validate(wrong)]).toEqual([true, false]);
  });

  test.each([String.raw`^[\w\-]+$`, '^(?P<name>[a-z-]+)$', String.raw`\A[a-z-]+\Z`])(
    'may have the pattern %s',
    (pattern) => {
      const validate = compileSchema({ type: 'string', pattern });
      expect([validate('a-b'), validate('A B')]).toEqual([true, false]);
    },
  );

  test('may hold words that its dialect does not know, and trees', () => {
    const tree = {
      type: 'object',
      properties: { left: { $ref: '#' }, right: { $ref: '#' } },
      example: 'x',
      format: 'y',
    };
    expect(compileSchema(tree)({ left: { right: {} } })).toBe(true);
  });

  test.each([
    [{ $ref: '#' }, 'refers to itself'],
    [{ $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } }, type: 'object' }, 'refers to itself'],
    [{ $async: true, type: 'object' }, '$async'],
    [{ $ref: '#/$defs/missing' }, 'which is not in it'],
    [{ type: 'fruit' }, '/type'],
    [{ $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' }, 'remove `$schema`'],
    [{ type: 'string', pattern: '(' }, 'pattern'],
  ])('that can not be checked is refused: %j', (schema, reason) => {
    expect(() => compileSchema(schema)).toThrow(reason);
  });
});
