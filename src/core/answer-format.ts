import { shorten } from '../text/format.ts';
import { isRecord } from '../data/is-record.ts';
import { type JsonSchema, constrains, kindOfKeyword } from './json-schema.ts';

/** The form that an answer must have; `json_object` allows any JSON object. */
export type AnswerFormat = { type: 'text' } | { type: 'json_object' } | { type: 'json_schema'; schema: JsonSchema };

/** Keys of a body that ask for a form of the answer: OpenAI's, vLLM's, and llama-server's and SGLang's own. */
export const formKeys = [
  'response_format',
  'structured_outputs',
  'guided_json',
  'guided_choice',
  'guided_regex',
  'guided_grammar',
  'json_schema',
  'format',
  'grammar',
  'regex',
  'ebnf',
  'structural_tag',
] as const;

/**
 * Reads a `response_format` in the shapes that APIs and servers have for it; a text says what is wrong with it.
 *
 * - OpenAI: `{"type": "json_schema", "json_schema": {"name", "schema"}}`
 * - llama.cpp: `{"type": "json_schema", "schema"}`, and, as in llama-cpp-python, `{"type": "json_object", "schema"}`
 * - the schema in the place of OpenAI's wrapper
 */
export function readFormat(value: unknown): AnswerFormat | string {
  if (value === null || value === undefined) return { type: 'text' };
  return isRecord(value)
    ? readObject(value)
    : `response_format is ${shorten(value)}: write an object, such as {"type": "json_object"}`;
}

function readObject({ type, schema, json_schema: named }: Record<string, unknown>): AnswerFormat | string {
  const given = named ?? schema ?? null;
  if (type === 'text' || (type === 'json_object' && given === null)) return { type };
  if (type !== 'json_object' && type !== 'json_schema')
    return `response_format has the type ${shorten(type)}, none of text, json_object, json_schema`;
  const found = unwrapSchema(given);
  return typeof found === 'string' ? `response_format: ${found}` : { type: 'json_schema', schema: found };
}

/**
 * Rewrites a `response_format` into OpenAI's shape, which all servers read: some silently ignore other shapes. What
 * can't be read stays as it is.
 */
export function inStandardShape(value: unknown): unknown {
  const format = readFormat(value);
  if (typeof format === 'string' || format.type !== 'json_schema' || !isRecord(value)) return value;
  const { json_schema: named } = value;
  if (value['type'] === 'json_schema' && isRecord(named) && named['schema'] === format.schema) return value;
  return responseFormat(format.schema);
}

/** A schema as `response_format`. */
export const responseFormat = (schema: JsonSchema): Record<string, unknown> => ({
  type: 'json_schema',
  json_schema: { name: 'answer', schema },
});

/** Wrappers in wrappers are a mistake of some program's; more of them are none. */
const maxWrappers = 3;

/**
 * Takes the schema out of the wrappers `{name, schema}` and `{type: "json_schema", json_schema}`; a text says why there
 * is none.
 */
export function unwrapSchema(value: unknown): JsonSchema | string {
  let inner = value;
  for (let count = 0; count < maxWrappers && isWrapper(inner); count++) inner = inner['json_schema'] ?? inner['schema'];
  if (isRecord(inner)) return constrains(inner) ? inner : whyNothing(inner);
  if (inner === true) return nothingAsked;
  return inner === null || inner === undefined
    ? 'the schema is missing: it belongs in json_schema.schema'
    : `the schema is ${shorten(inner)}, not an object`;
}

function whyNothing(schema: JsonSchema): string {
  const keys = Object.keys(schema).filter((key) => kindOfKeyword(key) === 'unknown');
  // A wrapper without the schema.
  if (schema['type'] === undefined && keys.every((key) => key === 'name' || key === 'strict') && keys.length > 0)
    return 'the schema is missing: it belongs in json_schema.schema';
  if (keys.length === 0) return nothingAsked;
  if (keys.every((key) => isRecord(schema[key]) && constrains(schema[key])))
    return `the schema constrains nothing: write ${list(keys)} into {"type": "object", "properties": {...}}`;
  return `the schema constrains nothing, because it has no keyword of JSON Schema, only ${list(keys)}: is it an example of an answer?`;
}

const nothingAsked = 'the schema constrains nothing: for any JSON, ask for the type json_object';

const list = (keys: string[]): string => `${keys.slice(0, 3).map(shorten).join(', ')}${keys.length > 3 ? ', ...' : ''}`;

/** No keyword of JSON Schema is called `schema` or `json_schema`. */
function isWrapper(value: unknown): value is JsonSchema {
  if (!isRecord(value)) return false;
  const { type, schema, json_schema: named, ...others } = value;
  const isTyped = type === undefined || type === 'json_schema' || type === 'json_object';
  return isTyped && (isRecord(schema) || isRecord(named)) && !constrains(others);
}
