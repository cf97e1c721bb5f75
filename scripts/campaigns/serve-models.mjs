#!/usr/bin/env node
/**
 * Three batches of two models with priorities on a real engine, a fourth of high priority that comes in the middle, `kill -9` of the
 * server, and a new start. Tells the order and the loads of models on stdout:
 *
 *     node scripts/campaigns/serve-models.mjs --models smollm2,gemma3 -- -b ollama --host ADDRESS --workers 2
 *
 * In the end every batch is completed, and no journal has a request twice: exit 1 where that is not so.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from './free-port.mjs';
import { ask, createBatch, resultsOf, startServe, upload, waitForBatch } from './serve-process.mjs';

const { values, positionals: args } = parseArgs({
  allowPositionals: true,
  options: { models: { type: 'string' } },
});
const [first, second] = values.models.split(',');
const folder = mkdtempSync(join(tmpdir(), 'serve-models-'));
const port = await freePort();
const startedAt = performance.now();
const say = (text) => console.log(`${Math.round((performance.now() - startedAt) / 1000)} s: ${text}`);

async function submit(name, model, { count, priority }) {
  const lines = Array.from({ length: count }, (_, index) => ({
    custom_id: `${name}-${index + 1}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model,
      messages: [{ role: 'user', content: `Name a city with the number ${index + 1} in mind.` }],
      max_tokens: 8,
      temperature: 0,
    },
  }));
  const { id } = await upload(port, `${name}.jsonl`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const batch = await createBatch(port, id, { key: name, metadata: { priority: String(priority) } });
  say(`${name} is submitted as ${batch.id}: ${count} requests of ${model}, priority ${priority}`);
  return batch.id;
}

async function untilAnswered(id, count) {
  while (JSON.parse(await ask(port, `/v1/batches/${id}`)).request_counts.completed < count) await sleep(200);
}

const loads = async () => /^llmbatch_model_loads_total (\d+)/m.exec(await ask(port, '/metrics'))[1];

let server = startServe({ port, folder, args });
const a = await submit('a', first, { count: 12, priority: 1 });
const b = await submit('b', second, { count: 14, priority: 0 });
const c = await submit('c', first, { count: 14, priority: 0 });
await untilAnswered(c, 3);
say(`c has 3 answers, b waits; model loads ${await loads()}`);
const d = await submit('d', second, { count: 3, priority: 9 });
await waitForBatch(port, d);
say(`d is over; model loads ${await loads()}`);
await untilAnswered(b, 3);
say(`b has 3 answers; model loads ${await loads()}; kill -9`);
server.kill('SIGKILL');
await server.ended;
const logs = [server.log()];
server = startServe({ port, folder, args });

const problems = [];
for (const [name, id] of Object.entries({ a, b, c, d })) {
  const batch = await waitForBatch(port, id);
  const { outputs, errors } = await resultsOf(port, batch);
  const journal = readFileSync(join(folder, 'batches', id, 'results.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const ids = new Set(outputs.map((line) => line.custom_id));
  say(`${name} is ${batch.status}: ${ids.size} answers, ${journal.length} lines in its journal`);
  if (batch.status !== 'completed' || errors.length > 0 || ids.size !== batch.request_counts.total)
    problems.push(`${name}: ${JSON.stringify(batch.request_counts)}`);
  if (journal.length !== batch.request_counts.total) problems.push(`${name}: its journal has a request twice`);
}
say(`all are over; model loads since the start ${await loads()}`);
server.kill('SIGTERM');
await server.ended;
logs.push(server.log());
console.log(logs.join('--- after kill -9 ---\n'));
console.log(JSON.stringify({ problems }));
if (problems.length === 0) rmSync(folder, { recursive: true, force: true });
process.exitCode = problems.length === 0 ? 0 : 1;
