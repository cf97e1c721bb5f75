import { isRecord } from '../../data/is-record.ts';
import type { JsonSchema } from '../../core/json-schema.ts';

/**
 * Says whether no value can fit two of these schemas, judged by their form. Then `oneOf` means no more than `anyOf`.
 */
export function areDisjoint(branches: unknown, root: JsonSchema): boolean {
  if (!Array.isArray(branches)) return false;
  const schemas = branches.map((branch) => resolved(branch, root));
  return schemas.every((left, index) => schemas.slice(index + 1).every((right) => differ(left, right)));
}

/** Follows a reference whose definition is in the schema itself. */
function resolved(schema: unknown, root: JsonSchema): JsonSchema {
  if (!isRecord(schema)) return {};
  const [, place, name] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(String(schema['$ref'])) ?? [];
  const definitions = place === undefined ? null : root[place];
  const found = isRecord(definitions) && name !== undefined ? definitions[name] : null;
  return isRecord(found) ? found : schema;
}

function differ(left: JsonSchema, right: JsonSchema): boolean {
  const values = [valuesOf(left), valuesOf(right)] as const;
  if (values[0] !== null && values[1] !== null) return haveNoneInCommon(values[0], values[1]);
  const types = [typesOf(left), typesOf(right)] as const;
  if (types[0] !== null && types[1] !== null && haveNoneInCommon(types[0], types[1])) return true;
  // Objects are told apart by a key that both must have.
  const shared = listIn(left['required']).filter((key) => listIn(right['required']).includes(key));
  return shared.some((key) => differ(propertyOf(left, key), propertyOf(right, key)));
}

const haveNoneInCommon = (left: unknown[], right: unknown[]): boolean => left.every((value) => !right.includes(value));

const listIn = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

function propertyOf({ properties }: JsonSchema, key: unknown): JsonSchema {
  const property = isRecord(properties) ? properties[String(key)] : null;
  return isRecord(property) ? property : {};
}

/** The only values that are allowed, as JSON; null where they are not listed. */
function valuesOf(schema: JsonSchema): string[] | null {
  const values = 'const' in schema ? [schema['const']] : schema['enum'];
  return Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : null;
}

/** JSON types that a schema allows; null where it allows any. An integer counts as a number. */
function typesOf(schema: JsonSchema): unknown[] | null {
  const { type } = schema;
  if (type !== undefined) return [type].flat().map((one) => (one === 'integer' ? 'number' : one));
  return valuesOf(schema)?.map((value) => typeOf(JSON.parse(value))) ?? null;
}

const typeOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);
