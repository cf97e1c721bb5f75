import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { repeatedTokens } from '../../../src/backends/request/repetition.ts';
import { runAwaySentence } from '../../../src/backends/request/run-away.ts';
import { formatCounted } from '../../../src/text/format.ts';
import { openFakeVllm } from '../../helpers/fake-vllm.ts';
import { context } from '../conformance.ts';
import { ask, form, question, say, shareVllm } from './asking.ts';

const folder = new URL('../../../src/backends/vllm/python', import.meta.url).pathname;

/** What the worker says of each text whose characters are its tokens. */
function foundByWorker(texts: string[], hasGrammar: boolean): (string | null)[] {
  const script = `
import json, sys
from types import SimpleNamespace
sys.path.insert(0, ${JSON.stringify(folder)})
from llmbatch_vllm.repetition import RunAways
watch = RunAways(SimpleNamespace(decode=lambda tokens: "".join(map(chr, tokens))), False)
params = SimpleNamespace(structured_outputs=${hasGrammar ? '{}' : 'None'})
print(json.dumps([watch.find([ord(character) for character in text], params) for text in json.load(sys.stdin)]))
`;
  return JSON.parse(execFileSync('python3', ['-B', '-c', script], { input: JSON.stringify(texts), encoding: 'utf8' }));
}

function foundHere(text: string, hasGrammar: boolean): string | null {
  const tokens = Array.from(text, (character) => character.codePointAt(0)!);
  const found = repeatedTokens({ tokens, textOf: (some) => String.fromCodePoint(...some), hasGrammar });
  return found === null ? null : runAwaySentence(found, formatCounted(tokens.length, 'token'));
}

/** Texts of whole sixteens of characters, as often as the other engines look. */
const sized = (text: string, length: number): string => `Once: ${text.repeat(length)}`.slice(0, length);
const texts = [
  'so it is ',
  '- Ask the people who know the most\n',
  'I\u2019m sorry, I can\u2019t help. ',
  'a text of more than sixty-four tokens, which every engine takes for a run-away answer in the end. ',
  'x'
    .repeat(100)
    .replace(/x/g, (_, at: number) => String.fromCodePoint(200 + at))
    .repeat(3) + 'which none does. ',
  'नमस्ते दुनिया ',
  '我是一个语言模型。',
  '0',
  '| | ',
  '  \n',
  'é è ',
  '² ² ',
].flatMap((text) => [496, 528, 1600, 2064, 4096].map((length) => sized(text, length)));

test.each([false, true])('the worker finds what the other engines find, in their words (grammar: %s)', (hasGrammar) => {
  const found = foundByWorker(texts, hasGrammar);
  expect(found).toEqual(texts.map((text) => foundHere(text, hasGrammar)));
  expect(found.some((sentence) => sentence !== null)).toBe(true);
});

const vllm = shareVllm({ stepMs: 1 });
const loop = 'and so it goes '.repeat(120);

test('an answer that repeats itself without end is ended, and counted', async () => {
  let told = 0;
  const onToken = (count = 1): void => void (told += count);
  const answer = await vllm().backend.generate(question(loop), context({ onToken }));
  expect(answer).toMatchObject({ status: 'failed', kind: 'repetition' });
  if (answer.status !== 'failed') return;
  expect(answer.message).toMatch(/^The answer repeats itself without end, and was stopped after [\d,]+ tokens: "\S+/);
  const { prompt_tokens: prompt, completion_tokens: completion } = answer.usage!;
  expect(answer.message).toContain(`after ${completion.toLocaleString('en-US')} tokens: `);
  expect([prompt > 1000, completion >= 512, completion < 1800, told]).toEqual([true, true, true, completion]);
  expect(await say(vllm().backend, question('next'))).toBe('next');
});

test('of several answers to one request too, with what those cost that had ended', async () => {
  const answer = await ask(vllm().backend, question(loop, { n: 3, temperature: 1 }));
  expect(answer).toMatchObject({ status: 'failed', kind: 'repetition' });
  expect(answer.status === 'failed' && answer.usage!.completion_tokens).toBeGreaterThanOrEqual(3 * 512);
});

test.each([
  ['whose limit of tokens came first', { max_tokens: 600 }],
  ['of a vLLM whose step takes no time', { max_tokens: 1700 }],
])('an answer is a run-away %s', async (_which, changes) => {
  const { backend } = await openFakeVllm();
  const answer = await ask(backend, question(loop, changes));
  expect(answer).toMatchObject({ status: 'failed', kind: 'repetition' });
});

test.each([
  ['data', question('0'.repeat(1500))],
  ['what a grammar shapes', question('x', form({ type: 'array', items: { enum: ['so it is'] }, minItems: 120 }))],
  ["a request's own detection", question(loop.slice(0, 900), { repetition_detection: { max_pattern_size: 0 } })],
])('is none: %s', async (_what, request) => {
  expect(await ask(vllm().backend, request)).toMatchObject({ status: 'completed' });
});

test('--allow-repetition lets it go on', async () => {
  const { backend } = await openFakeVllm({}, { allowRepetition: true });
  expect(await say(backend, question(loop))).toBe(loop);
});
