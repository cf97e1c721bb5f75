import { isRecord } from '../data/is-record.ts';

export type JsonSchema = Record<string, unknown>;

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const withSchema =
  'items additionalItems unevaluatedItems contains additionalProperties unevaluatedProperties propertyNames not if then else contentSchema'.split(
    ' ',
  );
const withList = ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items'];
const withNames = ['properties', 'patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions'];

/** Keywords that a value can fail, in any of the dialects from draft-06 on, and `nullable` of OpenAPI. */
const checkedKeywords = new Set([
  ...'type enum const minimum maximum exclusiveMinimum exclusiveMaximum multipleOf'.split(' '),
  ...'minLength maxLength pattern format required minProperties maxProperties dependentRequired'.split(' '),
  ...'minItems maxItems uniqueItems minContains maxContains nullable'.split(' '),
  ...'$ref $dynamicRef $recursiveRef properties patternProperties dependentSchemas dependencies'.split(' '),
  ...'allOf anyOf oneOf prefixItems'.split(' '),
  ...withSchema.filter((keyword) => keyword !== 'contentSchema'),
]);

/** Keywords that say something to a reader, or name a part. */
const silentKeywords = new Set(
  '$schema $id $anchor $dynamicAnchor $recursiveAnchor $vocabulary $comment $defs definitions title description default examples example deprecated readOnly writeOnly contentEncoding contentMediaType contentSchema discriminator xml externalDocs id'.split(
    ' ',
  ),
);

/**
 * Classes of keywords. `checked`: a value can fail it · `silent`: it constrains nothing · `unknown`: it belongs to no
 * dialect, so that it is never checked.
 */
export function kindOfKeyword(keyword: string): 'checked' | 'silent' | 'unknown' {
  if (checkedKeywords.has(keyword)) return 'checked';
  return silentKeywords.has(keyword) || keyword.startsWith('x-') ? 'silent' : 'unknown';
}

/**
 * Says whether a value can fail this schema, judged by its form. `{}` and an example of an answer constrain nothing.
 */
export const constrains = (schema: JsonSchema): boolean =>
  Object.keys(schema).some((keyword) => kindOfKeyword(keyword) === 'checked');

/** A schema and all that it is made of, without following references. */
export function* schemasIn(root: unknown): Generator<JsonSchema> {
  const waiting = [root];
  while (waiting.length > 0) {
    const schema = waiting.pop();
    if (!isRecord(schema)) continue;
    yield schema;
    waiting.push(...partsOf(schema));
  }
}

function partsOf(schema: JsonSchema): unknown[] {
  return [
    ...withSchema.map((keyword) => schema[keyword]),
    ...withList.flatMap((keyword) => (Array.isArray(schema[keyword]) ? (schema[keyword] as unknown[]) : [])),
    ...withNames.flatMap((keyword) => (isRecord(schema[keyword]) ? Object.values(schema[keyword]) : [])),
  ];
}
