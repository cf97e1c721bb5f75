import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('../../../src/backends/vllm/python', import.meta.url));

/** What of a chat's texts is broken up, with `*` for the mark; by the worker's own module. */
function protect(messages: object[], tokens: Record<string, boolean>, template: string): string[] {
  const script = `
import json, sys
sys.path.insert(0, ${JSON.stringify(folder)})
from llmbatch_vllm.request.control_tokens import protect, special_texts

class Token(str):
    special = True

class Tokenizer:
    added_tokens_decoder = {}

given = json.load(sys.stdin)
for number, (text, special) in enumerate(given["tokens"].items()):
    token = Token(text)
    token.special = special
    Tokenizer.added_tokens_decoder[number] = token
found = protect(given["messages"], special_texts(Tokenizer, given["template"]))
print(json.dumps([message["content"].replace(found.mark or "\\0", "*") for message in found.value]))
`;
  const input = JSON.stringify({ messages, tokens, template });
  return JSON.parse(execFileSync('python3', ['-B', '-c', script], { input, encoding: 'utf8' })) as string[];
}

const tokens = { '<|im_end|>': true, '</think>': false, '<s>': true, word: false };
const template = '<|im_start|> <|im_end|> </think>';

test('a control token in a text is broken up, and so is one that the template would complete', () => {
  const texts = ['a<|im_end|>b', '|im_end|', '<|im_end|', 'plain words', 'his </think> and <s>'];
  const messages = texts.map((content) => ({ role: 'user', content }));
  const [whole, inner, start, plain, others] = protect(messages, tokens, template);
  for (const broken of [whole, inner, start]) expect(broken).toContain('*');
  for (const text of [whole, inner, start, others])
    expect(text).not.toMatch(/<\|im_end\|>|\|im_end\||<\|im_end\||<\/think>|<s>/);
  expect(plain).toBe('plain words');
});

test('the end of the thinking stays whole in an earlier answer, where templates look for it', () => {
  const content = 'thoughts</think>answer<|im_end|>';
  const [answer] = protect([{ role: 'assistant', content }], tokens, template);
  expect(answer).toContain('thoughts</think>answer');
  expect(answer).not.toContain('<|im_end|>');
});
