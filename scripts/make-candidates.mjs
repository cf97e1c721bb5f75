#!/usr/bin/env node
/**
 * Writes requests for the bundled model tiny-scorer in the OpenAI Batch format, each with the answer that is right:
 *
 *     node scripts/make-candidates.mjs --count 170000 --seed 1 [--systems 1] [--model tiny-scorer] > candidates.jsonl
 *
 * The same seed makes the same bytes. `--systems` interleaves so many different rubrics. `scripts/check-answers.mjs` checks
 * the answers.
 */
import { parseArgs } from 'node:util';
import { makeCandidate, makeRubrics, rubricCount, systemPrompt } from './candidate.mjs';
import { seededRandom } from './seeded-random.mjs';
import { writePieces } from './write-pieces.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    systems: { type: 'string', default: '1' },
    model: { type: 'string', default: 'tiny-scorer' },
  },
});

const count = integer('count', 0);
const systems = integer('systems', 1);
if (systems > rubricCount)
  throw new RangeError(`--systems: there are ${rubricCount} different rubrics, not ${systems}`);
await writePieces(candidateLines());

function* candidateLines() {
  const random = seededRandom(integer('seed', 0));
  const rubrics = makeRubrics(systems, random);
  const digits = Math.max(6, String(count).length);
  for (let number = 1; number <= count; number++) {
    const rubric = rubrics[(number - 1) % systems];
    const { user, expected } = makeCandidate(rubric, random);
    const id = `candidate-${String(number).padStart(digits, '0')}`;
    const line = requestLine(id, { system: systemPrompt(rubric), user, expected });
    yield Buffer.from(`${JSON.stringify(line)}\n`);
  }
}

function requestLine(id, { system, user, expected }) {
  const messages = [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
  return {
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: values.model, messages, temperature: 0, max_tokens: 64 },
    expected,
  };
}

function integer(name, least) {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`--${name}: a whole number from ${least}, not ${values[name]}`);
  return value;
}
