import type { GbnfJsonObjectSchema, Llama, LlamaGrammar } from 'node-llama-cpp';
import type { AnswerFormat } from '../../../core/answer-format.ts';
import { messageOf } from '../../../core/errors.ts';
import { grammarSchema } from './grammar-schema.ts';
import { refuse } from '../../request/refuse.ts';

/** The grammar that holds an answer to its format; null for plain text. */
export type Grammars = (format: AnswerFormat) => Promise<LlamaGrammar | null>;

const maxGrammars = 64;

/** A file of requests has one schema, or a few: their grammars are kept. */
export function createGrammars(llama: Llama): Grammars {
  const grammars = new Map<string, Promise<LlamaGrammar>>();
  return async (format) => {
    if (format.type === 'text') return null;
    const schema = format.type === 'json_object' ? { type: 'object' } : format.schema;
    const key = JSON.stringify(schema);
    if (!grammars.has(key) && grammars.size >= maxGrammars) grammars.clear();
    const grammar = grammars.get(key) ?? createGrammar(llama, schema);
    grammars.set(key, grammar);
    return grammar;
  };
}

/**
 * The end of the engine's grammars for its own chat classes; it is cut off, since it would make the model write empty
 * lines.
 */
const newlineTail = String.raw` "\n\n\n\n" [\n]*`;

async function createGrammar(llama: Llama, schema: unknown): Promise<LlamaGrammar> {
  const translated = grammarSchema(schema) as GbnfJsonObjectSchema;
  try {
    const { grammar } = await llama.createGrammarForJsonSchema(translated);
    return await llama.createGrammar({ grammar: grammar.replace(newlineTail, '') });
  } catch (error) {
    throw refuse('bad-request', `llama-cpp can't make a grammar of the JSON schema: ${messageOf(error)}.`);
  }
}
