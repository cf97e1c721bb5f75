import { refuse } from '../../request/refuse.ts';

type Schema = Record<string, unknown>;

/**
 * Writes a JSON schema in the words that the engine's grammar maker knows. It reads everything else as `null`, without a
 * word, and would hold the model to it. What only narrows a value (`minimum`, `pattern`) is left to the check of the
 * whole answer; what says something else entirely is refused.
 */
export function grammarSchema(schema: unknown): Schema {
  const root = asSchema(schema);
  const definitions = { ...(root['definitions'] as object), ...(root['$defs'] as object) };
  const names = Object.entries(definitions);
  const translated = translate(root);
  if (names.length === 0) return translated;
  return {
    ...translated,
    $defs: Object.fromEntries(names.map(([name, definition]) => [name, translate(definition)])),
  };
}

const impossible = ['allOf', 'not', 'if', 'patternProperties', 'dependentSchemas', '$dynamicRef'];

function translate(schema: unknown): Schema {
  if (schema === true) return anyValue;
  const given = asSchema(schema);
  const combined = translateCombination(given);
  if (combined !== null) return combined;
  if ('const' in given) return { const: scalar(given['const']) };
  if (Array.isArray(given['enum'])) return { enum: given['enum'].map(scalar) };
  const type = given['type'] ?? impliedType(given);
  // OpenAPI's way to say that it may be missing.
  return translateType(given, given['nullable'] === true && type !== undefined ? [type, 'null'].flat() : type);
}

function translateCombination(given: Schema): Schema | null {
  const { allOf, anyOf, oneOf, $ref } = given;
  // Pydantic writes a reference with a description in this way.
  if (Array.isArray(allOf) && allOf.length === 1)
    return translate({ ...given, allOf: undefined, ...asSchema(allOf[0]) });
  const unknown = impossible.find((key) => given[key] !== undefined);
  if (unknown !== undefined) throw unsupported(`\`${unknown}\``);
  if ($ref !== undefined) return reference($ref);
  const choices = anyOf ?? oneOf;
  return Array.isArray(choices) ? { oneOf: choices.map(translate) } : null;
}

function translateType(given: Schema, type: unknown): Schema {
  if (Array.isArray(type)) return { oneOf: type.map((one) => translateType(given, one)) };
  switch (type) {
    case 'object':
      return translateObject(given);
    case 'array':
      return translateArray(given);
    case 'string':
      return translateString(given);
    case 'integer':
      return translateInteger(given);
    case 'number':
    case 'boolean':
    case 'null':
      return { type };
    case undefined:
      return anyValue;
    default:
      throw unsupported(`the type ${JSON.stringify(type)}`);
  }
}

function translateObject(given: Schema): Schema {
  const properties = Object.entries(given['properties'] ?? {});
  const additional = given['additionalProperties'] ?? properties.length === 0;
  return {
    type: 'object',
    properties: Object.fromEntries(properties.map(([name, property]) => [name, translate(property)])),
    additionalProperties: typeof additional === 'boolean' ? additional : translate(additional),
    ...pick(given, ['minProperties', 'maxProperties']),
  };
}

function translateArray(given: Schema): Schema {
  const { items, prefixItems } = given;
  return {
    type: 'array',
    ...(items === undefined ? {} : { items: translate(items) }),
    ...(Array.isArray(prefixItems) ? { prefixItems: prefixItems.map(translate) } : {}),
    ...pick(given, ['minItems', 'maxItems']),
  };
}

/** The grammar knows no ranges: a small one is written out, as the choice of its numbers. */
function translateInteger(given: Schema): Schema {
  const range = smallRange(given);
  return range === null ? { type: 'integer' } : { enum: range };
}

const maxNumbers = 256;

/** The whole numbers that the bounds leave; null where they are too many, or none. */
export function smallRange(given: Schema): number[] | null {
  const bound = (key: string, otherwise: number): number => (typeof given[key] === 'number' ? given[key] : otherwise);
  const first = Math.max(Math.ceil(bound('minimum', -Infinity)), Math.floor(bound('exclusiveMinimum', -Infinity)) + 1);
  const last = Math.min(Math.floor(bound('maximum', Infinity)), Math.ceil(bound('exclusiveMaximum', Infinity)) - 1);
  const step = bound('multipleOf', 1);
  if (!(last - first < maxNumbers) || last < first) return null;
  const all = Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
    (value) => value % step === 0,
  );
  return all.length === 0 ? null : all;
}

const knownFormats: unknown[] = ['date-time', 'time', 'date'];

export const holdsFormat = (format: unknown): boolean => knownFormats.includes(format);

function translateString(given: Schema): Schema {
  if (holdsFormat(given['format'])) return { type: 'string', format: given['format'] };
  return { type: 'string', ...pick(given, ['minLength', 'maxLength']) };
}

const anyValue: Schema = {
  oneOf: [
    { type: ['string', 'number', 'boolean', 'null'] },
    { type: 'array' },
    { type: 'object', additionalProperties: true },
  ],
};

function reference(target: unknown): Schema {
  const name = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(String(target))?.[1];
  if (name === undefined) throw unsupported(`the reference ${JSON.stringify(target)}`);
  return { $ref: `#/$defs/${name}` };
}

function impliedType(given: Schema): string | undefined {
  if (given['properties'] !== undefined || given['additionalProperties'] !== undefined) return 'object';
  return given['items'] === undefined && given['prefixItems'] === undefined ? undefined : 'array';
}

function scalar(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) throw unsupported('an object or list as a fixed value');
  return value;
}

function pick(given: Schema, keys: string[]): Schema {
  return Object.fromEntries(keys.flatMap((key) => (typeof given[key] === 'number' ? [[key, given[key]]] : [])));
}

function asSchema(value: unknown): Schema {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Schema;
  throw unsupported(JSON.stringify(value) ?? 'nothing');
}

const unsupported = (what: string): Error =>
  refuse('bad-request', `llama-cpp can't enforce a JSON schema with ${what}: simplify it or use another backend.`);
