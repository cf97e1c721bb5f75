import type { JsonSchema } from '../../src/core/json-schema.ts';

/** What a schema says, an answer that keeps to it, and one that breaks nothing but the keyword. */
export interface SchemaCase {
  /** As `unheldKeywords` names it. */
  keyword: string;
  schema: JsonSchema;
  good: unknown;
  bad: unknown;
}

const of = (keyword: string, schema: JsonSchema, [good, bad]: [unknown, unknown]): SchemaCase => ({
  keyword,
  schema: { type: 'object', properties: { v: schema }, required: ['v'], additionalProperties: false },
  good: { v: good },
  bad: { v: bad },
});

const whole = (keyword: string, schema: JsonSchema, [good, bad]: [unknown, unknown]): SchemaCase => ({
  keyword,
  schema,
  good,
  bad,
});

const name = { name: { type: 'string' } };

/** One for each keyword of JSON Schema that an engine may hold an answer to. */
export const schemaCases: SchemaCase[] = [
  of('type', { type: 'integer' }, [7, 'seven']),
  of('enum', { enum: ['red', 'green'] }, ['red', 'blue']),
  of('const', { const: 'red' }, ['red', 'blue']),
  of('minimum', { type: 'integer', minimum: 1 }, [5, -5]),
  of('maximum', { type: 'integer', maximum: 5 }, [5, 700]),
  of('minimum', { type: 'integer', minimum: 1, maximum: 5 }, [5, 0]),
  of('maximum', { type: 'integer', minimum: 1, maximum: 5 }, [5, 6]),
  of('maximum', { type: ['integer', 'null'], minimum: 1, maximum: 5 }, [5, 6]),
  of('exclusiveMinimum', { type: 'integer', exclusiveMinimum: 0, maximum: 5 }, [5, 0]),
  of('exclusiveMaximum', { type: 'integer', minimum: 0, exclusiveMaximum: 5 }, [4, 5]),
  of('multipleOf', { type: 'integer', minimum: 0, maximum: 20, multipleOf: 5 }, [15, 14]),
  of('multipleOf', { type: 'integer', multipleOf: 5 }, [15, 14]),
  of('minimum', { type: 'number', minimum: 0.5 }, [0.7, 0.2]),
  of('maximum', { type: 'number', maximum: 0.5 }, [0.2, 0.7]),
  of('exclusiveMinimum', { type: 'number', exclusiveMinimum: 0 }, [0.2, -0.5]),
  of('exclusiveMaximum', { type: 'number', exclusiveMaximum: 1 }, [0.2, 1.5]),
  of('multipleOf', { type: 'number', multipleOf: 0.5 }, [1.5, 1.3]),
  of('pattern', { type: 'string', pattern: '^[A-Z]{3}$' }, ['ABC', 'abc']),
  of('pattern', { type: 'string', pattern: 'b' }, ['abc', 'aaa']),
  of('minLength', { type: 'string', minLength: 3 }, ['abc', 'a']),
  of('maxLength', { type: 'string', maxLength: 3 }, ['abc', 'abcde']),
  of('maxLength', { type: 'string', pattern: '^[a-z]+$', maxLength: 3 }, ['abc', 'abcde']),
  of('minLength', { type: 'string', format: 'date', minLength: 12 }, ['2024-02-03', '2024-02-03']),
  of('format: date', { type: 'string', format: 'date' }, ['2024-02-03', 'tomorrow']),
  of('format: time', { type: 'string', format: 'time' }, ['10:20:30Z', 'noon']),
  of('format: date-time', { type: 'string', format: 'date-time' }, ['2024-02-03T10:20:30Z', 'at noon']),
  of('format: duration', { type: 'string', format: 'duration' }, ['P1D', 'a day']),
  of('format: email', { type: 'string', format: 'email' }, ['a@example.org', 'nobody']),
  of('format: uuid', { type: 'string', format: 'uuid' }, ['6f1e3c52-7d0a-4e6b-9f21-0a1b2c3d4e5f', 'one']),
  of('format: uri', { type: 'string', format: 'uri' }, ['https://example.org/a', 'not one']),
  of('format: hostname', { type: 'string', format: 'hostname' }, ['example.org', 'not one']),
  of('format: ipv4', { type: 'string', format: 'ipv4' }, ['10.0.0.1', 'not one']),
  of('format: ipv6', { type: 'string', format: 'ipv6' }, ['::1', 'not one']),
  of('items', { type: 'array', items: { type: 'integer' } }, [[1, 2], ['a']]),
  of('prefixItems', { type: 'array', prefixItems: [{ type: 'integer' }], minItems: 1 }, [[1], ['a']]),
  of('minItems', { type: 'array', items: { type: 'integer' }, minItems: 2 }, [[1, 2], [1]]),
  of('maxItems', { type: 'array', items: { type: 'integer' }, maxItems: 2 }, [
    [1, 2],
    [1, 2, 3],
  ]),
  of('uniqueItems', { type: 'array', items: { type: 'integer' }, uniqueItems: true }, [
    [1, 2],
    [1, 1],
  ]),
  of('contains', { type: 'array', items: { type: 'integer' }, contains: { const: 1 } }, [[1], [2]]),
  whole('properties', { type: 'object', properties: name }, [{ name: 'a' }, { name: 7 }]),
  whole('required', { type: 'object', properties: name, required: ['name'] }, [{ name: 'a' }, {}]),
  whole('additionalProperties', { type: 'object', properties: name, required: ['name'], additionalProperties: false }, [
    { name: 'a' },
    { name: 'a', age: 7 },
  ]),
  whole('additionalProperties', { type: 'object', additionalProperties: { type: 'integer' } }, [{ a: 1 }, { a: 'b' }]),
  whole('minProperties', { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 2 }, [
    { a: 1, b: 2 },
    { a: 1 },
  ]),
  whole('maxProperties', { type: 'object', additionalProperties: { type: 'integer' }, maxProperties: 1 }, [
    { a: 1 },
    { a: 1, b: 2 },
  ]),
  whole('propertyNames', { type: 'object', propertyNames: { pattern: '^[a-z]$' } }, [{ a: 1 }, { AB: 1 }]),
  whole(
    'dependentRequired',
    { type: 'object', additionalProperties: { type: 'integer' }, dependentRequired: { a: ['b'] } },
    [{ a: 1, b: 1 }, { a: 1 }],
  ),
  of('anyOf', { anyOf: [{ type: 'integer' }, { const: 'red' }] }, [3, 'blue']),
  of('oneOf', { oneOf: [{ type: 'integer' }, { const: 'red' }] }, [3, 'blue']),
  of('oneOf', { oneOf: [{ enum: ['a', 'b'] }, { enum: ['b', 'c'] }] }, ['a', 'b']),
  of('allOf', { allOf: [{ type: 'integer' }] }, [3, 'blue']),
  of('nullable', { type: 'string', nullable: true }, [null, 7]),
  whole('$ref', { ...of('type', { $ref: '#/$defs/n' }, [1, 1]).schema, $defs: { n: { type: 'integer' } } }, [
    { v: 1 },
    { v: 'a' },
  ]),
  whole('$ref', { $ref: '#/$defs/t', $defs: { t: { type: 'array', items: { $ref: '#/$defs/t' } } } }, [[[[]]], [[1]]]),
];

/** What the embedded engine refuses, for its grammars say none of it. */
export const hardSchemaCases: SchemaCase[] = [
  whole(
    'patternProperties',
    { type: 'object', patternProperties: { '^n': { type: 'integer' } }, additionalProperties: false },
    [{ n: 1 }, { n: 'b' }],
  ),
  of('allOf', { allOf: [{ type: 'integer', minimum: 2 }, { maximum: 4 }] }, [3, 7]),
  of('not', { type: 'string', not: { const: 'red' } }, ['blue', 'red']),
  of('if', { type: 'integer', if: { minimum: 10 }, else: { maximum: 5 } }, [5, 7]),
  whole('$ref', { type: 'object', properties: { v: { $ref: '#' } } }, [{ v: { v: {} } }, { v: 1 }]),
];
