#!/usr/bin/env node
/**
 * Kills `llmbatch serve` again and again while clients send it batches and ask for them:
 *
 *     node scripts/campaigns/serve-kills.mjs --kills 200 --batches 20 --requests 200 --seed 1
 *
 * In the end every batch is completed, every request has exactly one line with the right answer in its output or error file, no
 * journal has a request twice, the counts are those of the lines, and no file is left that nobody knows of. Exit 1 where that is
 * not so; the folder is then kept.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seededRandom } from '../seeded-random.mjs';
import { freePort } from './free-port.mjs';
import { ask, createBatch, resultsOf, startServe, upload, waitForBatch } from './serve-process.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    batches: { type: 'string', default: '20' },
    requests: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    /** Of one answer, in milliseconds; eight are worked on at once. */
    latency: { type: 'string', default: '60' },
    /** The longest time from the start of a server, or from its first answer, to its end, in milliseconds. */
    life: { type: 'string', default: '1500' },
  },
});
const [kills, batches, requests, latency, life] = ['kills', 'batches', 'requests', 'latency', 'life'].map((name) =>
  Number(values[name]),
);
const random = seededRandom(Number(values.seed));
const folder = mkdtempSync(join(tmpdir(), 'serve-kills-'));
const port = await freePort();
const args = ['-b', 'mock', '--workers', '8', ...mockOptions()];
const startedAt = performance.now();
/** The number of the kill that comes next, and the server that is not killed. */
const state = { kill: 0, last: null };

const clients = Array.from({ length: batches }, (_, index) => client(index));
const [told] = await Promise.all([killAgainAndAgain(), ...clients]);
const finished = await Promise.all(clients);
const problems = [...finished.flatMap(checkBatch), ...checkFolder(finished), ...told];
await finishServer();

console.log(
  JSON.stringify({ kills, batches, requests, seconds: Math.round((performance.now() - startedAt) / 1000), problems }),
);
if (problems.length === 0) rmSync(folder, { recursive: true });
else console.error(`the folder is kept: ${folder}`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** One request in thirty fails, the same ones in each life. */
function mockOptions() {
  const options = { latency_ms: latency, latency_jitter: 0.9, fault_rate: 0.033, fault_kinds: 'bad-request' };
  return Object.entries(options).flatMap(([name, value]) => ['--option', `${name}=${value}`]);
}

/** Starts the server once more for each kill, and leaves the last one alone. Returns what bugs it told of. */
async function killAgainAndAgain() {
  const bugs = [];
  for (let kill = 1; kill <= kills; kill++) {
    state.kill = kill;
    const server = startServe({ port, folder, args });
    await Promise.race([untilKill(), server.ended]);
    server.kill('SIGKILL');
    const [code] = await server.ended;
    if (code !== null) bugs.push(`server ${kill} ended by itself with ${code}: ${server.log()}`);
    if (/bug|unexpected/.test(server.log())) bugs.push(`server ${kill} said: ${server.log()}`);
    if (bugs.length > 5) throw new Error(bugs.join('\n'));
  }
  state.kill = Infinity;
  state.last = startServe({ port, folder, args });
  return bugs;
}

/** Each fourth server is killed while it starts, the others some time after they answer. */
async function untilKill() {
  const isEarly = random() < 0.25;
  const delay = random() * life;
  if (!isEarly) await ask(port, '/health');
  await sleep(delay);
}

/** Sends one batch, each later than the one before, and waits for it. */
async function client(index) {
  while (state.kill < (index * kills) / batches) await sleep(20);
  const lines = Array.from({ length: requests }, (_, number) => lineOf(index, number));
  const { id: fileId } = await upload(
    port,
    `${index}.jsonl`,
    lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  const metadata = { priority: String(index % 5 === 4 ? 1 : 0) };
  const { id } = await createBatch(port, fileId, { key: `batch ${index}`, metadata });
  const batch = await waitForBatch(port, id);
  return { index, batch, ...(await resultsOf(port, batch)) };
}

function lineOf(index, number) {
  const body = { model: `mock:${index % 3}`, messages: [{ role: 'user', content: `question ${index} ${number}` }] };
  return { custom_id: `${index}-${number}`, method: 'POST', url: '/v1/chat/completions', body };
}

function checkBatch({ index, batch, outputs, errors }) {
  const wrong = [];
  const say = (text) => wrong.push(`batch ${index} (${batch.id}): ${text}`);
  if (batch.status !== 'completed') say(`is ${batch.status}`);
  const ids = [...outputs, ...errors].map(({ custom_id: id }) => id);
  if (ids.length !== requests || new Set(ids).size !== requests)
    say(`${ids.length} lines of ${new Set(ids).size} requests`);
  for (const { custom_id: id, response } of outputs) {
    const answer = response?.body.choices[0].message.content;
    if (answer !== `question ${id.replace('-', ' ')}`) say(`${id} has the answer ${JSON.stringify(answer)}`);
  }
  for (const { custom_id: id, response } of errors)
    if (response?.status_code !== 400) say(`${id} did not fail as it should`);
  const { total, completed, failed } = batch.request_counts;
  if (total !== requests || completed !== outputs.length || failed !== errors.length)
    say(`counts ${total}, ${completed}, ${failed} of ${outputs.length} and ${errors.length} lines`);
  const journal = readFileSync(join(folder, 'batches', batch.id, 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  const sent = new Set(journal.map((line) => JSON.parse(line).custom_id));
  if (journal.length !== sent.size) say(`${journal.length} results in the journal for ${sent.size} requests`);
  return wrong;
}

/** Every file has its record and its bytes, and is an upload or a file of a batch; every folder is that of a batch. */
function checkFolder(all) {
  const files = readdirSync(join(folder, 'files'));
  const records = files.filter((name) => name.endsWith('.json'));
  const outputs = all.flatMap(({ batch }) => [batch.output_file_id, batch.error_file_id]).filter(Boolean);
  const made = records.filter(
    (name) => JSON.parse(readFileSync(join(folder, 'files', name), 'utf8')).purpose !== 'batch',
  );
  const lonely = files.filter(
    (name) => !files.includes(name.endsWith('.json') ? name.replace('.json', '.bin') : name.replace(/\.bin$/, '.json')),
  );
  const strangers = made.filter((name) => !outputs.includes(name.replace('.json', '')));
  const folders = readdirSync(join(folder, 'batches'));
  return [
    ...lonely.map((name) => `files/${name} is alone`),
    ...strangers.map((name) => `files/${name} is of no batch`),
    ...(folders.length === batches ? [] : [`${folders.length} folders of ${batches} batches`]),
    ...(made.length === outputs.length ? [] : [`${made.length} files for ${outputs.length} outputs`]),
  ];
}

async function finishServer() {
  await ask(port, '/health');
  state.last.kill('SIGTERM');
  const [code] = await state.last.ended;
  if (code !== 143) problems.push(`the last server ended with ${code}: ${state.last.log()}`);
}
