#!/usr/bin/env node
/**
 * Writes hostile input: mutated request lines and random bytes, the same for the same seed.
 *
 *     node scripts/fuzz-lines.mjs --count 100000 --seed 1 > fuzz.jsonl
 *
 * A mutation may break a line in two, so the number of lines differs from `--count`. The exact number of non-blank lines goes to
 * stderr: a line is what lies between line feeds; blank is one of only spaces, tabs and carriage returns.
 */
import { parseArgs } from 'node:util';
import { makeCandidate, makeRubrics, systemPrompt } from './candidate.mjs';
import { mutations } from './fuzz-mutations.mjs';
import { seededRandom } from './seeded-random.mjs';
import { writePieces } from './write-pieces.mjs';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});

const [space, tab, carriageReturn, lineFeed] = [32, 9, 13, 10];
const counter = { lines: 0, isBlank: true };
const random = seededRandom(Number(values.seed));

await writePieces(counted(fuzzLines(Number(values.count))));
console.error(counter.lines);

function* fuzzLines(count) {
  const [rubric] = makeRubrics(1, random);
  const end = Buffer.from('\n');
  for (let number = 1; number <= count; number++) {
    const line = goodLine(number, rubric);
    yield random() < 1 / 3 ? Buffer.from(JSON.stringify(line)) : spoil(line);
    yield end;
  }
}

function spoil(line) {
  const mutate = mutations[Math.floor(random() * mutations.length)];
  const bytes = mutate(line, random);
  return random() < 0.1 ? flipBit(bytes) : bytes;
}

function flipBit(bytes) {
  if (bytes.length > 0) bytes[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(random() * 8);
  return bytes;
}

/** A good line in one of the three shapes of the input. */
function goodLine(number, rubric) {
  const { user } = makeCandidate(rubric, random);
  const id = `fuzz-${number}`;
  const system = systemPrompt(rubric);
  const messages = [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
  const shape = Math.floor(random() * 3);
  if (shape === 0) return { id, prompt: user, system };
  if (shape === 1) return { id, messages, temperature: 0 };
  return {
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'mock', messages, max_tokens: 64 },
  };
}

function* counted(pieces) {
  for (const piece of pieces) {
    for (const byte of piece) countByte(byte);
    yield piece;
  }
  countByte(lineFeed);
}

function countByte(byte) {
  if (byte === lineFeed) {
    if (!counter.isBlank) counter.lines++;
    counter.isBlank = true;
  } else if (byte !== space && byte !== tab && byte !== carriageReturn) {
    counter.isBlank = false;
  }
}
