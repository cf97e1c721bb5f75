import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { unheldByVllm } from '../../src/backends/vllm/held-keywords.ts';
import { hardSchemaCases, schemaCases } from '../backends/schema-cases.ts';
import { realVllm } from './real-engines.ts';

/** Asks xgrammar, which vLLM has inside, whether a model may write each case's two answers to their end. */
const askXgrammar = `
import json, sys, xgrammar
from transformers import AutoTokenizer
given = json.load(sys.stdin)
compiler = xgrammar.GrammarCompiler(xgrammar.TokenizerInfo.from_huggingface(AutoTokenizer.from_pretrained(given["model"])))
def may_write(grammar, answer):
    matcher = xgrammar.GrammarMatcher(grammar)
    return matcher.accept_string(json.dumps(answer)) and matcher.is_completed()
for case in given["cases"]:
    grammar = compiler.compile_json_schema(json.dumps(case["schema"]), any_whitespace=True)
    print(json.dumps({"good": may_write(grammar, case["good"]), "bad": may_write(grammar, case["bad"])}))
`;

/** It may be narrower than the schema, but a \`pattern\` is about the whole text to it, and null never comes. */
const narrower = new Set(['{"type":"string","pattern":"b"}', '{"type":"string","nullable":true}']);

describe.skipIf(realVllm === null)('the keywords that a real vLLM holds an answer to', { timeout: 180_000 }, () => {
  test('are told as what they are', async () => {
    const { python, model } = realVllm!;
    const cases = [...schemaCases, ...hardSchemaCases];
    const input = JSON.stringify({ model, cases });
    const { stdout } = await execa(python, ['-c', askXgrammar], { input, stderr: 'ignore' });
    const found = stdout.split('\n').map((line) => JSON.parse(line) as { good: boolean; bad: boolean });
    expect(found).toHaveLength(cases.length);
    for (const [index, { keyword, schema, good, bad }] of cases.entries()) {
      const { v: value } = (schema['properties'] ?? {}) as Record<string, unknown>;
      if (narrower.has(JSON.stringify(value))) continue;
      expect({ schema, good, bad, ...found[index] }).toEqual({
        schema,
        good: true,
        bad: unheldByVllm(schema).includes(keyword),
      });
    }
  });
});
