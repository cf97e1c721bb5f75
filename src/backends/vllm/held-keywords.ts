import type { JsonSchema } from '../../core/json-schema.ts';
import { unheldKeywords } from '../request/unheld-keywords.ts';

/**
 * What neither xgrammar nor guidance holds an answer to. vLLM itself turns to guidance where xgrammar knows that it can't,
 * as for `multipleOf` and `uniqueItems`; these it drops, or takes for less than they say.
 */
const dropped = new Set(
  'not if then else contains minContains maxContains uniqueItems dependentSchemas dependentRequired dependencies unevaluatedItems unevaluatedProperties'.split(
    ' ',
  ),
);

/** The keywords that are left to the check of the whole answer. */
export const notHeldByVllm = (schema: JsonSchema): string[] =>
  unheldKeywords(schema, (keyword) => !dropped.has(keyword));
