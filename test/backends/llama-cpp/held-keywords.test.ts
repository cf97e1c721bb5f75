import { type Llama, LlamaGrammarEvaluationState, type LlamaModel, type Token, getLlama } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGrammars } from '../../../src/backends/llama-cpp/answer/grammars.ts';
import { unheldByGrammar } from '../../../src/backends/llama-cpp/held-keywords.ts';
import { findModelFile } from '../../../src/backends/llama-cpp/model-file.ts';
import type { JsonSchema } from '../../../src/core/json-schema.ts';
import { hardSchemaCases, schemaCases } from '../schema-cases.ts';

let llama: Llama;
let model: LlamaModel;

beforeAll(async () => {
  llama = await getLlama({ gpu: false });
  model = await llama.loadModel({ modelPath: (await findModelFile('tiny-scorer')).path });
});
afterAll(() => llama.dispose());

/** What the engine asks its grammar for each token of an answer; its types do not tell of it. */
interface Binding {
  _bindings: {
    AddonSampler: Record<
      'canBeNextTokenForGrammarEvaluationState' | 'acceptGrammarEvaluationStateToken',
      (state: unknown, token: Token) => boolean
    >;
  };
}

/** May the model write this answer, to its end? */
async function mayWrite(schema: JsonSchema, answer: unknown): Promise<boolean> {
  const grammar = await createGrammars(llama)({ type: 'json_schema', schema });
  if (grammar === null) throw new Error('A schema has a grammar.');
  const { _state: state } = new LlamaGrammarEvaluationState({ model, grammar }) as unknown as { _state: unknown };
  const { _bindings: binding } = llama as unknown as Binding;
  const { AddonSampler: sampler } = binding;
  for (const token of [...model.tokenize(JSON.stringify(answer)), model.tokens.eos!]) {
    if (!sampler.canBeNextTokenForGrammarEvaluationState(state, token)) return false;
    if (!model.isEogToken(token)) sampler.acceptGrammarEvaluationStateToken(state, token);
  }
  return true;
}

describe('the keywords that the embedded engine holds an answer to', () => {
  test.each(schemaCases)('$keyword is told as what it is: $schema', async ({ keyword, schema, good, bad }) => {
    expect({ good: await mayWrite(schema, good), bad: await mayWrite(schema, bad) }).toEqual({
      good: true,
      bad: unheldByGrammar(schema).includes(keyword),
    });
  });

  test.each(hardSchemaCases)('$keyword is refused where no grammar says it: $schema', async ({ schema, good }) => {
    await expect(mayWrite(schema, good)).rejects.toThrow("llama-cpp can't enforce a JSON schema with");
  });
});
