import { expect, test } from 'vitest';
import { unheldByServer } from '../../../../src/backends/ollama/answer/held-keywords.ts';
import type { JsonSchema } from '../../../../src/core/json-schema.ts';

test.each<[JsonSchema, string[]]>([
  [{ type: 'integer', minimum: 1, exclusiveMaximum: 5 }, []],
  [{ type: 'number', minimum: 1, multipleOf: 2 }, ['minimum', 'multipleOf']],
  [{ type: 'string', pattern: '^a+$' }, []],
  [{ type: 'string', pattern: 'a+' }, ['pattern']],
  [{ type: 'string', format: 'email' }, ['format: email']],
  [{ type: 'string', format: 'date' }, []],
  [{ type: 'array', items: { type: 'string' }, minItems: 1, uniqueItems: true }, ['uniqueItems']],
  [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, ['oneOf']],
])('llama.cpp inside a server leaves of %j to the check: %j', (schema, unheld) => {
  expect(unheldByServer(schema)).toEqual(unheld);
});
