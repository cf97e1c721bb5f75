import type { JsonSchema } from '../../core/json-schema.ts';
import { unheldKeywords } from '../request/unheld-keywords.ts';

/**
 * Keywords that xgrammar drops, or reads as less than they say. vLLM checks a request against guidance where xgrammar
 * knows that it can't, and refuses what neither can (`uniqueItems`); but an engine keeps the one that its first request
 * took, so that guidance is not to be counted on (vLLM 0.32, `StructuredOutputManager.grammar_init`).
 */
const dropped = new Set(
  'not if then else contains minContains maxContains uniqueItems dependentSchemas dependentRequired dependencies unevaluatedItems unevaluatedProperties nullable'.split(
    ' ',
  ),
);
const ofRange = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']);
const ofLength = new Set(['minLength', 'maxLength']);

/** The keywords that are left to the check of the whole answer. */
export const unheldByVllm = (schema: JsonSchema): string[] =>
  unheldKeywords(schema, (keyword, part) => {
    const types = [part['type']].flat();
    if (ofRange.has(keyword)) return types.includes('integer') || types.includes('number');
    if (keyword === 'multipleOf') return types.includes('integer') && !types.includes('number');
    if (ofLength.has(keyword)) return part['pattern'] === undefined && part['format'] === undefined;
    // With several branches it holds none of them.
    if (keyword === 'allOf') return Array.isArray(part['allOf']) && part['allOf'].length === 1;
    return !dropped.has(keyword);
  });
