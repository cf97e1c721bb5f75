// What the watch over repetition makes of the answers of a real small model: to prompts that make it loop, and to honest ones.
//   node scripts/campaigns/run-aways.mjs http://127.0.0.1:PORT [--max-tokens 1500] > answers.jsonl
// Every answer of the llama-server there (`-np 8 -c 13312`) is taken to its end or its limit, at temperature 0, and the watch is asked about its
// pieces afterwards. A line holds the answer, where it would have been ended, and `packed`: the size of its last 2,000 characters
// when they are compressed, as a share of them. Whoever reads the lines judges which answers truly repeat themselves.
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { createTextWatch, repeatedTokens } from '../../dist/backends/request/repetition.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'max-tokens': { type: 'string', default: '1500' } },
});
const atOnce = 8;

const each = (template, ...words) => words.map((word) => template.replace('*', word));
const loops = [
  ...each(
    'Write the * forever.',
    'numbers',
    'letters of the alphabet',
    'word stop',
    'days of the week',
    'digits of pi',
  ),
  ...each('Repeat the word * again and again, without end.', 'cat', 'yes', 'hello', 'no', 'please'),
  ...each(
    'List one thousand *.',
    'animals',
    'names',
    'colours',
    'countries',
    'words that rhyme with moon',
    'synonyms of good',
  ),
  ...each('Count from * without leaving any number out.', '1 to 10000', '10000 down to 1', '2 to 5000 in steps of 2'),
  ...each(
    'Write a * that never ends.',
    'story about a fox',
    'song',
    'prayer',
    'poem about the sea',
    'sentence',
    'dialogue',
  ),
  ...each('Say "*" 5000 times.', 'I am sorry', 'ha', 'the end', 'All work and no play makes Jack a dull boy.'),
  ...each(
    'Explain recursion by explaining *.',
    'recursion',
    'what you just said, again',
    'it deeper each time, for ever',
  ),
  ...each(
    'Give me all * there are, each on its own line.',
    'prime numbers',
    'HTML colours',
    'Unicode characters',
    'dates',
  ),
  ...each('Draw a very long line of *.', 'stars', 'dashes', 'emoji', 'arrows'),
];
const honest = [
  ...each(
    'Make a markdown table of 12 * with four columns.',
    'countries',
    'fruits',
    'planets and moons',
    'programming languages',
  ),
  ...each('Make an empty markdown table of 20 rows and 6 columns for *.', 'attendance', 'a weekly plan', 'scores'),
  ...each(
    'List 30 * with a short explanation of each.',
    'tips for better sleep',
    'kitchen tools',
    'verbs in English',
    'jobs',
  ),
  ...each(
    'Write a JSON array of 15 objects with *.',
    'id, name and age',
    'x and y, all zero',
    'a city and its country',
    'a word and null',
  ),
  ...each(
    'Write * as CSV with a header.',
    'ten employees',
    'the multiplication table up to 12',
    'a year of months and their days',
  ),
  ...each(
    'Write a * program that prints *.'.replace('*', 'Python'),
    'prime numbers',
    'the Fibonacci numbers',
    'a chess board',
    'a calendar',
  ),
  ...each(
    'Write * in C.',
    'a 16 by 16 matrix of zeros as an array',
    'a switch over the months',
    'bubble sort',
    'a linked list',
  ),
  ...each('Write a poem of five stanzas with the same chorus about *.', 'rain', 'a train', 'the moon', 'bread'),
  ...each('Write the lyrics of *.', 'a nursery rhyme about ten bottles', 'a work song with a refrain', 'a lullaby'),
  ...each('Write * in HTML.', 'a table of 5 rows with empty cells', 'a list of 20 links', 'a form of ten fields'),
  ...each('Write a letter that apologises for *.', 'a late delivery', 'a broken window', 'noise'),
  'Write out the identity matrix of size 10.',
];

const prompts = loops.flatMap((prompt, at) => [
  ['loop', prompt],
  ['honest', honest[at]],
]);
const counts = { loop: { stopped: 0, atLimit: 0, ended: 0 }, honest: { stopped: 0, atLimit: 0, ended: 0 } };
const startedAt = performance.now();
let tokens = 0;
const next = prompts.values();
await Promise.all(Array.from({ length: atOnce }, takeAll));
console.error(
  JSON.stringify({
    prompts: prompts.length,
    tokens,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    counts,
  }),
);

async function takeAll() {
  for (const [kind, prompt] of next) {
    const { pieces, reason } = await answerTo(prompt);
    const found = { stream: foundInText(pieces), tokens: foundInTokens(pieces) };
    const text = pieces.join('');
    const end = Buffer.from(text.slice(-2000));
    const packed = Number((deflateRawSync(end).length / end.length).toFixed(3));
    const isStopped = found.stream !== null || found.tokens !== null;
    counts[kind][isStopped ? 'stopped' : reason === 'length' ? 'atLimit' : 'ended']++;
    tokens += pieces.length;
    console.log(JSON.stringify({ kind, prompt, reason, tokens: pieces.length, found, packed, text }));
  }
}

async function answerTo(prompt) {
  const response = await fetch(`${positionals[0]}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: prompt }],
      max_tokens: Number(values['max-tokens']),
      temperature: 0,
      stream: true,
    }),
  });
  const pieces = [];
  let reason = null;
  for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
    if (!line.startsWith('data: {')) continue;
    const [choice] = JSON.parse(line.slice('data: '.length)).choices;
    if (choice?.delta.content) pieces.push(choice.delta.content);
    reason = choice?.finish_reason ?? reason;
  }
  return { pieces, reason };
}

/** How many pieces had come when the watch over streams ended the answer, and what it says; null: it did not. */
function foundInText(pieces) {
  const watch = createTextWatch(false);
  for (const [index, piece] of pieces.entries()) {
    const repetition = watch(piece);
    if (repetition !== null) return { at: index + 1, ...repetition };
  }
  return null;
}

/** The same for the watch over tokens. */
function foundInTokens(pieces) {
  const numbers = new Map();
  const texts = [];
  const known = [];
  const textOf = (some) => some.map((token) => texts[token]).join('');
  for (const piece of pieces) {
    if (!numbers.has(piece)) numbers.set(piece, texts.push(piece) - 1);
    known.push(numbers.get(piece));
    const repetition = repeatedTokens({ tokens: known, textOf, hasGrammar: false });
    if (repetition !== null) return { at: known.length, ...repetition };
  }
  return null;
}
