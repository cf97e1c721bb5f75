// The same rows in each form of an input: MB/s (of the form unpacked), seconds of CPU and peak memory of `validate`,
// rounds in turn, medians.
//   node scripts/campaigns/forms.mjs [--count 1000000] [--rounds 3] [--folder FOLDER] [--bin OTHER/bin/llmbatch.js]
// With --bin another llmbatch takes turns with this one, on the JSONL. About 3 GB of disk for a million rows.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { median } from './start-campaign.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string', default: tmpdir() },
    bin: { type: 'string' },
  },
});
/** Makes a process tell what it used, when it ends: its largest resident size in KiB, its CPU time in microseconds. */
const usageModule = `data:text/javascript,${encodeURIComponent(
  `process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    process.stderr.write('used ' + JSON.stringify({ maxRSS, cpu: userCPUTime + systemCPUTime }));
  })`,
)}`;

const own = fileURLToPath(new URL('../../bin/llmbatch.js', import.meta.url));
const folder = await mkdtemp(join(values.folder, 'llmbatch-forms-'));
try {
  const runs = await writeForms(Number(values.count));
  const measured = runs.map(() => []);
  for (let round = 0; round < Number(values.rounds); round++) {
    const order = runs.map((_, index) => (round % 2 === 0 ? index : runs.length - 1 - index));
    for (const index of order) measured[index].push(await validate(runs[index]));
  }
  for (const [index, { name }] of runs.entries()) {
    const of = (key) => Math.round(median(measured[index].map((each) => each[key])) * 10) / 10;
    const found = {
      mb_per_second: of('rate'),
      seconds: of('seconds'),
      cpu_seconds: of('cpu'),
      peak_mib: of('peakMib'),
    };
    console.log(JSON.stringify({ name, ...found }));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function writeForms(count) {
  const jsonl = await write(
    'rows.jsonl',
    rowsOf(count, (row) => `${JSON.stringify(row)}\n`),
  );
  const gzip = await write(
    'rows.jsonl.gz',
    rowsOf(count, (row) => `${JSON.stringify(row)}\n`),
    createGzip(),
  );
  const csv = await write(
    'rows.csv',
    rowsOf(count, ({ id, prompt, city }) => `${id},"${prompt}",${city}\n`, 'id,prompt,city\n'),
  );
  const array = await write(
    'rows.json',
    rowsOf(count, (row, number) => `${number === 1 ? '[' : ',\n'}${JSON.stringify(row)}`, '', ']\n'),
  );
  const { size: bytes } = await stat(jsonl);
  const forms = [
    { name: 'JSONL', path: jsonl, bytes, bin: own },
    { name: 'gzip', path: gzip, bytes, bin: own },
    { name: 'CSV', path: csv, bytes: (await stat(csv)).size, bin: own },
    { name: 'JSON array', path: array, bytes: (await stat(array)).size, bin: own },
  ];
  return values.bin === undefined ? forms : [{ ...forms[0], name: 'JSONL, other', bin: values.bin }, ...forms];
}

async function write(name, texts, ...through) {
  const path = join(folder, name);
  await pipeline(Readable.from(texts), ...through, createWriteStream(path));
  return path;
}

/** Rows of about 200 bytes, in blocks of a thousand. */
function* rowsOf(count, toText, before = '', after = '') {
  let block = before;
  for (let number = 1; number <= count; number++) {
    const prompt = `Rate candidate ${number}: ${'five years of Python, two of Go, lives in Köln, '.repeat(3)}available at once.`;
    block += toText({ id: `row-${number}`, prompt, city: 'Köln' }, number);
    if (number % 1000 > 0) continue;
    yield block;
    block = '';
  }
  yield block + after;
}

async function validate({ path, bytes, bin }) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--import', usageModule, bin, 'validate', path, '-m', 'mock', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const read = { out: '', err: '' };
  child.stdout.on('data', (text) => (read.out += text));
  child.stderr.on('data', (text) => (read.err += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`validate ${path} ended with ${code}: ${read.err}`);
  const seconds = (performance.now() - startedAt) / 1000;
  const { maxRSS, cpu } = JSON.parse(/used (.*)/.exec(read.err)[1]);
  return { rate: bytes / 1e6 / seconds, seconds, cpu: cpu / 1e6, peakMib: maxRSS / 1024 };
}
