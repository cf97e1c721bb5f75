import { type JsonSchema, kindOfKeyword, schemasIn } from '../../core/json-schema.ts';

/** Does an engine hold its answers to a keyword, as it stands in this part of a schema? */
export type HoldsKeyword = (keyword: string, part: JsonSchema) => boolean;

/** The keywords of a schema that an engine does not hold its answers to, each once; a format with its name. */
export function unheldKeywords(schema: JsonSchema, holds: HoldsKeyword): string[] {
  const found = new Set<string>();
  for (const part of schemasIn(schema)) {
    for (const keyword of Object.keys(part)) {
      if (kindOfKeyword(keyword) !== 'checked' || holds(keyword, part)) continue;
      const { format } = part;
      found.add(keyword === 'format' && typeof format === 'string' ? `format: ${format}` : keyword);
    }
  }
  return [...found];
}
