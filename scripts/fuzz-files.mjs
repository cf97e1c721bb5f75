#!/usr/bin/env node
/**
 * Reads whole files of every form, mutated in their bytes, delimiters and encodings, and checks that each is taken whole or
 * refused whole: requests and rejected rows are as many as a plain counter finds where the file is still sound, a refusal is a
 * sentence, nothing is thrown that is no mistake of the user's, and no message holds control characters.
 *
 *     npm run build && node scripts/fuzz-files.mjs --count 2000 --seed 7
 *
 * Prints one JSON object with what became of the files, and ends with 1 at the first that went wrong; that file is kept.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { defaultAnswerSettings } from '../dist/core/settings.js';
import { pathsOf } from '../dist/journal/manifest/run-paths.js';
import { readInput } from '../dist/run/read-input.js';
import { seededRandom } from './seeded-random.mjs';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
const random = seededRandom(Number(values.seed));
const pick = (list) => list[Math.floor(random() * list.length)];
const upTo = (limit) => Math.floor(random() * limit);

const jsonl = (rows) => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const table = (delimiter) => (rows) => {
  const cell = (text) => (/["\r\n,;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [['id', 'prompt'], ...rows.map(({ id, prompt }) => [id, prompt])];
  return Buffer.from(lines.map((cells) => `${cells.map(cell).join(delimiter)}\r\n`).join(''));
};
const forms = [
  { name: 'rows.jsonl', make: jsonl },
  { name: 'rows.json', make: (rows) => Buffer.from(JSON.stringify(rows)) },
  { name: 'rows.json', make: (rows) => Buffer.from(JSON.stringify(rows, null, 2)) },
  { name: 'rows.jsonl', make: (rows) => Buffer.from(rows.map((row) => JSON.stringify(row, null, 1)).join('\n')) },
  { name: 'rows.csv', make: table(',') },
  { name: 'rows.csv', make: table(';') },
  { name: 'rows.tsv', make: table('\t') },
  { name: 'rows.txt', make: (rows) => Buffer.from(rows.map(({ id }) => `${id}\n`).join('')), format: 'text' },
  { name: 'rows.jsonl.gz', make: (rows) => gzipSync(jsonl(rows)) },
  { name: 'rows.jsonl', make: (rows) => Buffer.from(`\uFEFF${jsonl(rows).toString()}`, 'utf16le') },
  { name: 'rows.parquet', make: parquet },
];

function parquet(rows) {
  const columnData = ['id', 'prompt'].map((name) => ({ name, data: rows.map((row) => row[name]) }));
  return Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 7 }));
}

const texts = ['hello', 'a "quote", and more', 'Köln; Zürich', 'tab\there', 'two\nlines', '田中 😀', ' ', '{"a":1}'];
const rowsOf = (count) =>
  Array.from({ length: count }, (_, index) => ({ id: `row-${index + 1}`, prompt: `${pick(texts)} ${index}` }));

/** Ways in which a file goes wrong; `null`: it stays as it is. */
const mutations = [
  () => null,
  (bytes) => {
    const changed = Buffer.from(bytes);
    for (let times = 1 + upTo(4); times > 0; times--) changed[upTo(changed.length)] = upTo(256);
    return changed;
  },
  (bytes) => bytes.subarray(0, upTo(bytes.length + 1)),
  (bytes) => bytes.subarray(upTo(bytes.length)),
  (bytes) => Buffer.concat([bytes, bytes]),
  (bytes) => Buffer.concat([bytes, randomForm().bytes]),
  (bytes) =>
    insert(bytes, pick(['"', ',', '{', '}', '[', ']', '\n', '\r', '\0', '\\', ';', '\t', '\uFEFF', '\u001B[2J', 'é'])),
  (bytes) => insert(bytes, Buffer.from(Array.from({ length: upTo(40) }, () => upTo(256)))),
  (bytes) => remove(bytes, upTo(bytes.length), 1 + upTo(20)),
  (bytes) => swap(bytes, pick([',', ';', '\n', '"', ':', '}']), pick([';', '\t', ',', '\r', "'", '{', ' '])),
  (bytes) => Buffer.from(bytes.toString('utf8'), pick(['utf16le', 'latin1'])),
  (bytes) => Buffer.from(bytes.toString('latin1'), 'utf8'),
  (bytes) => gzipSync(bytes),
  (bytes) => Buffer.concat([gzipSync(bytes), Buffer.alloc(upTo(50), upTo(3) === 0 ? 7 : 0)]),
];

function insert(bytes, what) {
  const at = upTo(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(what), bytes.subarray(at)]);
}

const remove = (bytes, at, length) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);

const swap = (bytes, from, to) => Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');

function randomForm() {
  const form = pick(forms);
  const rows = rowsOf(1 + upTo(30));
  return { ...form, rows, bytes: form.make(rows) };
}

const folder = await mkdtemp(join(tmpdir(), 'llmbatch-fuzz-files-'));
const paths = pathsOf(join(folder, 'out.jsonl'));
const totals = { files: 0, taken: 0, refused: 0, requests: 0, rejected: 0 };
for (; totals.files < Number(values.count); totals.files++) {
  const { name, bytes, rows, format = 'auto' } = randomForm();
  const mutated = pick(mutations)(bytes);
  const path = join(folder, name);
  await writeFile(path, mutated ?? bytes);
  const fault = await check(path, { format, rows: mutated === null ? rows.length : null });
  if (fault === null) continue;
  console.error(`file ${totals.files + 1}, ${path}: ${fault}`);
  process.exit(1);
}
await rm(folder, { recursive: true, force: true });
console.log(JSON.stringify(totals));

/** What is wrong with how the file is read; null: nothing. `rows` is null where the file was mutated. */
async function check(path, { format, rows }) {
  const messages = [];
  const settings = { ...defaultAnswerSettings, model: 'mock', format };
  const host = { stdin: null, stop: new AbortController().signal };
  const onRejected = ({ reason }) => messages.push(reason);
  const limit = setTimeout(() => {
    console.error(`file ${totals.files + 1}, ${path}: it is read for more than 20 seconds`);
    process.exit(1);
  }, 20_000);
  try {
    const input = await readInput(
      { input: path, spool: null, paths, settings },
      { host, previous: null, listeners: { onRejected } },
    );
    const { requests, rejected } = input.scan.counts;
    const seen = await rowsIn(input);
    await input.close();
    totals.taken++;
    totals.requests += requests;
    totals.rejected += rejected;
    if (requests + rejected !== seen) return `${requests} requests and ${rejected} rejected of ${seen} rows`;
    return rows === null || requests === rows ? null : `${requests} requests of ${rows} rows: ${messages[0]}`;
  } catch (error) {
    totals.refused++;
    if (error.name !== 'UsageError') return `it threw ${error.stack}`;
    if (rows !== null) return `a sound file was refused: ${error.message}`;
    return /[\p{Cc}]/u.test(`${error.message}${error.hint ?? ''}`) ? `control characters in ${error.message}` : null;
  } finally {
    clearTimeout(limit);
  }
}

/** Lines that are not blank of the file that the rows are read from again. */
async function rowsIn({ handle }) {
  const { size } = await handle.stat();
  const { buffer } = await handle.read(Buffer.alloc(size), 0, size, 0);
  return buffer
    .toString('latin1')
    .split('\n')
    .filter((line) => /[^ \t\r]/.test(line)).length;
}
