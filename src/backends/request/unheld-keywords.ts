import { type JsonSchema, kindOfKeyword, schemasIn } from '../../core/json-schema.ts';
import { areDisjoint } from './disjoint-branches.ts';

/** Says whether an engine holds its answers to a keyword in this part of a schema. */
export type HoldsKeyword = (keyword: string, part: JsonSchema) => boolean;

/**
 * The keywords of a schema that an engine does not hold its answers to, each once; a format with its name. Grammars
 * know no "one of": to all engines it is "any of", which is the same where no value fits two of them.
 */
export function unheldKeywords(schema: JsonSchema, holds: HoldsKeyword): string[] {
  const found = new Set<string>();
  for (const part of schemasIn(schema)) {
    for (const keyword of Object.keys(part)) {
      const isHeld = holds(keyword, part) && (keyword !== 'oneOf' || areDisjoint(part['oneOf'], schema));
      if (isHeld || kindOfKeyword(keyword) !== 'checked') continue;
      const { format } = part;
      found.add(keyword === 'format' && typeof format === 'string' ? `format: ${format}` : keyword);
    }
  }
  return [...found];
}
