#!/usr/bin/env node
/**
 * Sends `llmbatch serve` one upload as large as they come, and then many batches at once:
 *
 *     node scripts/campaigns/serve-load.mjs --requests 170000 --megabytes 1600 --batches 50
 *
 * Says how fast the upload was, the memory of the server through it all, and whether each request has its right answer once.
 * Exit 1 where one has not.
 */
import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { writePieces } from '../write-pieces.mjs';
import { freePort } from './free-port.mjs';
import { ask, createBatch, startServe, upload, waitForBatch } from './serve-process.mjs';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '170000' },
    megabytes: { type: 'string', default: '1600' },
    batches: { type: 'string', default: '50' },
    /** Write the input to stdout, and do nothing else. */
    input: { type: 'boolean', default: false },
  },
});
const [requests, megabytes, batches] = ['requests', 'megabytes', 'batches'].map((name) => Number(values[name]));

if (values.input) await writePieces(inputLines());
else await main();

/** Each asks for a text that begins with its number. */
function* inputLines() {
  const filler = 'one candidate like the next '.repeat(Math.ceil((megabytes * 1e6) / requests / 28));
  const size = Math.floor((megabytes * 1e6) / requests) - 200;
  for (let number = 1; number <= requests; number++) yield Buffer.from(lineOf(number, filler.slice(0, size)));
}

function lineOf(number, text) {
  const messages = [
    { role: 'system', content: text },
    { role: 'user', content: `question ${number}` },
  ];
  const line = {
    custom_id: `r${number}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'mock', messages },
  };
  return `${JSON.stringify(line)}\n`;
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'serve-load-'));
  const input = join(folder, 'in.jsonl');
  const maker = spawn(process.execPath, [process.argv[1], '--input', ...process.argv.slice(2)], {
    stdio: ['ignore', openSync(input, 'w'), 'inherit'],
  });
  await once(maker, 'close');
  const port = await freePort();
  const args = ['-b', 'mock', '--workers', '32', '--max-file-bytes', '4GB'];
  const server = startServe({ port, folder: join(folder, 'data'), args });
  await ask(port, '/health');
  const memory = watchMemory(server.pid);
  const large = await sendLarge(port, input, memory);
  const many = await sendMany(port, memory);
  memory.stop();
  server.kill('SIGTERM');
  await server.ended;
  console.log(JSON.stringify({ requests, batches, large, many }, null, 2));
  const isRight = [large, many].every(({ wrong, missing }) => wrong + missing === 0);
  process.exitCode = isRight ? 0 : 1;
  rmSync(folder, { recursive: true });
}

/** Resident memory of a process, in MB, sampled four times a second: the highest since the last look. */
function watchMemory(pid) {
  let peak = 0;
  const now = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1000;
  const timer = setInterval(() => (peak = Math.max(peak, now())), 250);
  return {
    stop: () => clearInterval(timer),
    peak() {
      const found = Math.round(Math.max(peak, now()));
      peak = 0;
      return found;
    },
  };
}

async function sendLarge(port, input, memory) {
  const idleMb = memory.peak();
  const { seconds: uploadSeconds, answer: file } = await timed(() => uploadStream(port, input));
  const uploadPeakMb = memory.peak();
  const { seconds: runSeconds, answer: batch } = await timed(async () =>
    waitForBatch(port, (await createBatch(port, file.id, { key: 'large' })).id),
  );
  const runPeakMb = memory.peak();
  const checked = await checkOutput(port, batch, requests);
  const megabytesPerSecond = Math.round(statSync(input).size / 1e6 / uploadSeconds);
  return {
    bytes: file.bytes,
    uploadSeconds,
    megabytesPerSecond,
    runSeconds,
    idleMb,
    uploadPeakMb,
    runPeakMb,
    fetchPeakMb: memory.peak(),
    ...checked,
  };
}

async function sendMany(port, memory) {
  const one = Array.from({ length: 1000 }, (_, index) => lineOf(index + 1, 'short')).join('');
  const { seconds, answer: checked } = await timed(() =>
    Promise.all(
      Array.from({ length: batches }, async (_, index) => {
        const { id } = await createBatch(port, (await upload(port, `${index}.jsonl`, one)).id, {
          key: `many ${index}`,
        });
        return checkOutput(port, await waitForBatch(port, id), 1000);
      }),
    ),
  );
  const sum = (key) => checked.reduce((total, { [key]: value }) => total + value, 0);
  return { seconds, peakMb: memory.peak(), right: sum('right'), wrong: sum('wrong'), missing: sum('missing') };
}

/** A form that is never in memory as a whole. */
async function uploadStream(port, input) {
  const boundary = 'serve-load';
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n`;
  const sending = request({
    port,
    path: '/v1/files',
    method: 'POST',
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
  });
  sending.write(head);
  const file = createReadStream(input, { highWaterMark: 1_048_576 });
  file.pipe(sending, { end: false });
  file.on('end', () => sending.end(`\r\n--${boundary}--\r\n`));
  const [response] = await once(sending, 'response');
  let text = '';
  for await (const part of response) text += part;
  if (response.statusCode !== 200) throw new Error(text);
  return JSON.parse(text);
}

async function checkOutput(port, { status, output_file_id: id }, count) {
  if (status !== 'completed') return { right: 0, wrong: 0, missing: count };
  const sending = request({ port, path: `/v1/files/${id}/content` });
  sending.end();
  const [response] = await once(sending, 'response');
  const seen = new Set();
  let wrong = 0;
  for await (const line of createInterface({ input: response })) {
    const { custom_id: custom, response: answer } = JSON.parse(line);
    if (seen.has(custom) || answer.body.choices[0].message.content !== `question ${custom.slice(1)}`) wrong++;
    seen.add(custom);
  }
  return { right: seen.size - wrong, wrong, missing: count - seen.size };
}

async function timed(work) {
  const startedAt = performance.now();
  const answer = await work();
  return { seconds: Math.round((performance.now() - startedAt) / 100) / 10, answer };
}
