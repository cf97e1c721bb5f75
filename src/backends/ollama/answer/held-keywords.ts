import type { JsonSchema } from '../../../core/json-schema.ts';
import { unheldKeywords } from '../../request/unheld-keywords.ts';

/** Keywords that llama.cpp's `json_schema_to_grammar`, which the server has inside, writes into its grammar. */
const held = new Set(
  'type enum const properties required additionalProperties items prefixItems minItems maxItems minLength maxLength pattern anyOf oneOf allOf $ref'.split(
    ' ',
  ),
);
const ofRange = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']);
const formats: unknown[] = ['date', 'time', 'date-time', 'uuid'];

/** The keywords that are left to the check of the whole answer. */
export const unheldByServer = (schema: JsonSchema): string[] =>
  unheldKeywords(schema, (keyword, part) => {
    // A pattern that is not about the whole text is dropped.
    if (keyword === 'pattern') return /^\^[^]*\$$/.test(String(part['pattern']));
    if (keyword === 'format') return formats.includes(part['format']);
    return ofRange.has(keyword) ? part['type'] === 'integer' : held.has(keyword);
  });
