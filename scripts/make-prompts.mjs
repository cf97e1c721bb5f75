#!/usr/bin/env node
/**
 * Writes requests for a real model, which nobody knows the right answers of, in the OpenAI Batch format:
 *
 *     node scripts/make-prompts.mjs --kind open --count 300 --max-tokens 200 > open.jsonl
 *     node scripts/make-prompts.mjs --kind rubric --count 2000 --max-tokens 16 > rubric.jsonl
 *
 * open: short and varied questions with long answers. rubric: one system prompt of about 2,000 tokens, and a candidate of some 50.
 * The same seed makes the same bytes.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from './seeded-random.mjs';
import { writePieces } from './write-pieces.mjs';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'open' },
    count: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    'max-tokens': { type: 'string', default: '200' },
    model: { type: 'string', default: 'smollm2.gguf' },
  },
});

const random = seededRandom(Number(values.seed));
const pick = (list) => list[Math.floor(random() * list.length)];

const things =
  'a lighthouse,rain,bread,the Roman calendar,a bicycle,photosynthesis,chess,a small library,the tides,glass'.split(
    ',',
  );
const tasks = [
  (thing) => `Explain ${thing} to a child.`,
  (thing) => `Write a short story about ${thing}.`,
  (thing) => `List some facts about ${thing}.`,
  (thing) => `What is ${thing}? Answer in one sentence.`,
  (thing) => `Write four lines of a poem about ${thing}.`,
  (thing) => `Compare ${thing} with ${pick(things)}.`,
];

const skills = 'node,sql,python,aws,react,docker,rust,kafka,java,linux,golang,redis'.split(',');
const cities = 'Berlin,Delhi,Kyiv,Lima,Oslo,Paris,Quito,Rome'.split(',');
const names = 'Ana,Bela,Chen,Dora,Emil,Farid,Gita,Hugo,Ines,Jun'.split(',');

const kinds = { open: openQuestion, rubric: candidate };
const ask = kinds[values.kind];
if (ask === undefined) throw new RangeError(`--kind: open or rubric, not ${values.kind}`);
const system = values.kind === 'rubric' ? rubric() : null;
await writePieces(lines());

function* lines() {
  for (let number = 1; number <= Number(values.count); number++) {
    const user = { role: 'user', content: `${ask()} (${number})` };
    const messages = system === null ? [user] : [{ role: 'system', content: system }, user];
    const body = { model: values.model, messages, temperature: 0, max_tokens: Number(values['max-tokens']) };
    const line = { custom_id: `prompt-${number}`, method: 'POST', url: '/v1/chat/completions', body };
    yield Buffer.from(`${JSON.stringify(line)}\n`);
  }
}

function openQuestion() {
  return pick(tasks)(pick(things));
}

function candidate() {
  const known = Array.from({ length: 4 }, () => pick(skills)).join(', ');
  return `${pick(names)} from ${pick(cities)} has worked for ${Math.floor(random() * 21)} years with ${known}. Copy the name, the city and the years of the candidate, as: NAME, CITY, YEARS.`;
}

/** Some 2,000 tokens: 50 rules of about 40 tokens. */
function rubric() {
  const rules = Array.from({ length: 50 }, (_, index) => {
    const [first, second] = [pick(skills), pick(skills)];
    const years = 1 + Math.floor(random() * 10);
    return `Rule ${index + 1}: a candidate who has worked with ${first} for at least ${years} years gets ${years + 2} points, and one who knows ${second} too gets ${years} more, unless the team is in ${pick(cities)}.`;
  });
  return `You judge candidates for a team of engineers by these rules.\n${rules.join('\n')}`;
}
