import type { JsonSchema } from '../../core/json-schema.ts';
import { unheldKeywords } from '../request/unheld-keywords.ts';
import { holdsFormat, smallRange } from './answer/grammar-schema.ts';

/** Keywords that `grammarSchema` writes into the grammar, or refuses. */
const held = new Set(
  'type enum const properties required additionalProperties items prefixItems minItems maxItems minProperties maxProperties minLength maxLength anyOf oneOf allOf nullable $ref'.split(
    ' ',
  ),
);
const ofRange = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']);

/** The keywords that are left to the check of the whole answer. */
export const unheldByGrammar = (schema: JsonSchema): string[] =>
  unheldKeywords(schema, (keyword, part) => {
    if (ofRange.has(keyword)) return isWhole(part['type']) && smallRange(part) !== null;
    if (keyword === 'format') return holdsFormat(part['format']);
    const isLength = keyword === 'minLength' || keyword === 'maxLength';
    return held.has(keyword) && !(isLength && holdsFormat(part['format']));
  });

/** A range of whole numbers is one of the forms that the value may have; a number with a fraction has no such list. */
const isWhole = (type: unknown): boolean => {
  const types = [type].flat();
  return types.includes('integer') && !types.includes('number');
};
