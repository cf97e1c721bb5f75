import { expect, test } from 'vitest';
import { unheldByVllm } from '../../../src/backends/vllm/held-keywords.ts';
import type { JsonSchema } from '../../../src/core/json-schema.ts';

// test/engines/vllm-schemas.test.ts holds the same list against a real vLLM.

const not = { anyOf: [{ type: 'string', not: { const: 'red' } }] };

test.each<[JsonSchema, string[]]>([
  [{ type: 'integer', minimum: 1, maximum: 5, multipleOf: 2 }, []],
  [{ type: 'number', exclusiveMinimum: 0, multipleOf: 0.5 }, ['multipleOf']],
  [{ enum: [1, 2, 9], maximum: 5 }, ['maximum']],
  [{ type: 'string', pattern: 'a+', format: 'x' }, []],
  [{ type: 'string', minLength: 2, maxLength: 5 }, []],
  [{ type: 'string', pattern: 'a+', maxLength: 5 }, ['maxLength']],
  [{ allOf: [{ type: 'integer' }] }, []],
  [{ allOf: [{ type: 'object' }, { required: ['a'] }] }, ['allOf']],
  [{ oneOf: [{ type: 'integer' }, { type: 'null' }] }, []],
  [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, ['oneOf']],
  [{ type: 'array', uniqueItems: true, contains: { const: 1 } }, ['uniqueItems', 'contains']],
  [{ type: 'string', nullable: true }, ['nullable']],
  [not, ['not']],
])('vLLM leaves of %j to the check: %j', (schema, unheld) => {
  expect(unheldByVllm(schema)).toEqual(unheld);
});
