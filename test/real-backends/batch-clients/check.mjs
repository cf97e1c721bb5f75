// Goes through the Batch API of a server with OpenAI's own client for Node: `node check.mjs BASE_URL`. The same steps as check.py,
// with the server on `mock` and `--option context_tokens=300`.
import assert from 'node:assert/strict';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { APIError, BadRequestError, ConflictError, NotFoundError, toFile } from 'openai';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'none', maxRetries: 0 });
const ended = new Set(['completed', 'failed', 'expired', 'cancelled']);
const shared = { endpoint: '/v1/chat/completions', completion_window: '24h' };

const lines = (count, { text = 'Say a word', prefix = 'request' } = {}) =>
  Array.from({ length: count }, (_, index) => ({
    custom_id: `${prefix}-${index}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'mock', messages: [{ role: 'user', content: `${text} ${index}` }] },
  }));
const jsonl = (rows) => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const step = (name) => console.log(name);

async function create(rows, more = {}) {
  const uploaded = await client.files.create({ file: await toFile(jsonl(rows), 'rows.jsonl'), purpose: 'batch' });
  return { uploaded, batch: await client.batches.create({ input_file_id: uploaded.id, ...shared, ...more }) };
}

async function untilOver({ id }) {
  for (let look = 0; look < 600; look++) {
    const batch = await client.batches.retrieve(id);
    if (ended.has(batch.status)) return batch;
    await sleep(50);
  }
  return assert.fail(`batch ${id} does not end`);
}

async function resultsOf(id) {
  const text = await (await client.files.content(id)).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

async function listed(page) {
  const ids = [];
  for await (const { id } of page) ids.push(id);
  return ids;
}

async function checkUploads() {
  const payload = jsonl(lines(3));
  const folder = mkdtempSync(join(tmpdir(), 'batch-clients-'));
  const path = join(folder, 'by-path.jsonl');
  writeFileSync(path, payload);
  const byPath = await client.files.create({ file: createReadStream(path), purpose: 'batch' });
  rmSync(folder, { recursive: true });
  assert.equal(byPath.object, 'file');
  assert.equal(byPath.filename, 'by-path.jsonl');
  assert.equal(byPath.bytes, payload.length);
  assert.equal(byPath.status, 'processed');
  step('upload by path');
  assert.equal((await client.files.create({ file: new File([payload], 'x'), purpose: 'batch' })).bytes, payload.length);
  step('upload of bytes');
  const byStream = await client.files.create({
    // A stream in front of the purpose: it is sent without its length, and first.
    file: new Response(payload),
    purpose: 'batch',
    expires_after: { anchor: 'created_at', seconds: 7200 },
  });
  assert.equal(byStream.expires_at, byStream.created_at + 7200);
  step('upload of a stream');
  assert.equal(await (await client.files.content(byStream.id)).text(), payload.toString());
  assert.equal((await client.files.waitForProcessing(byPath.id)).id, byPath.id);
  step('content');
  const ids = await listed(client.files.list({ purpose: 'batch', limit: 2 }));
  assert.equal(ids[0], byStream.id);
  assert.ok(ids.includes(byPath.id));
  assert.equal(new Set(ids).size, ids.length);
  step('files, page by page');
  assert.ok((await client.files.delete(byPath.id)).deleted);
  await assert.rejects(client.files.retrieve(byPath.id), NotFoundError);
  step('deletion');
  await assert.rejects(client.files.create({ file: new File([payload], 'x'), purpose: 'vision' }), {
    param: 'purpose',
  });
  step('another purpose');
}

async function checkBatch() {
  const { uploaded, batch: made } = await create(lines(5), { metadata: { team: 'blue' } });
  assert.equal(made.object, 'batch');
  assert.equal(made.input_file_id, uploaded.id);
  assert.deepEqual(made.metadata, { team: 'blue' });
  assert.equal(made.expires_at, made.created_at + 86_400);
  step('creation');
  const batch = await untilOver(made);
  assert.equal(batch.status, 'completed');
  assert.deepEqual({ ...batch.request_counts }, { total: 5, completed: 5, failed: 0 });
  assert.ok(batch.in_progress_at && batch.finalizing_at && batch.completed_at && !batch.error_file_id);
  assert.equal(batch.usage.total_tokens, batch.usage.input_tokens + batch.usage.output_tokens);
  step('polling to its end');
  const results = await resultsOf(batch.output_file_id);
  assert.deepEqual(
    results.map((row) => row.custom_id),
    [0, 1, 2, 3, 4].map((index) => `request-${index}`),
  );
  for (const { error, response } of results) {
    assert.equal(error, null);
    assert.equal(response.status_code, 200);
    assert.equal(response.body.choices[0].finish_reason, 'stop');
  }
  assert.equal((await client.files.retrieve(batch.output_file_id)).purpose, 'batch_output');
  step('results');
}

async function checkFailures() {
  const tooLong = lines(2, { text: 'word '.repeat(400), prefix: 'long' });
  const some = await untilOver((await create([...lines(2), ...tooLong])).batch);
  assert.deepEqual({ ...some.request_counts }, { total: 4, completed: 2, failed: 2 });
  const [first] = await resultsOf(some.error_file_id);
  assert.equal(first.custom_id, 'long-0');
  assert.equal(first.error, null);
  assert.equal(first.response.status_code, 400);
  step('an error file');
  const none = await untilOver((await create(tooLong)).batch);
  assert.equal(none.status, 'completed');
  assert.ok(!none.output_file_id);
  assert.equal((await resultsOf(none.error_file_id)).length, 2);
  step('a batch whose requests all fail');
  const rows = lines(3);
  rows[1].custom_id = rows[0].custom_id;
  const twice = await untilOver((await create(rows)).batch);
  assert.equal(twice.status, 'failed');
  assert.equal(twice.errors.data[0].line, 2);
  assert.equal(twice.errors.data[0].code, 'duplicate_custom_id');
  step('a file with a mistake');
  const kept = await client.files.create({ file: await toFile(Buffer.from('no JSON\n'), 'x.jsonl'), purpose: 'batch' });
  const broken = await untilOver(await client.batches.create({ input_file_id: kept.id, ...shared }));
  assert.equal(broken.errors.data[0].code, 'invalid_json_line');
  step('a file that is no JSON');
  await assert.rejects(client.batches.retrieve('batch_none'), NotFoundError);
  await assert.rejects(client.batches.create({ input_file_id: 'file-none', ...shared }), APIError);
  await assert.rejects(
    client.batches.create({ input_file_id: kept.id, metadata: { priority: 'high' }, ...shared }),
    BadRequestError,
  );
  step('refusals');
}

async function checkListAndCancel() {
  const made = [];
  for (let count = 0; count < 5; count++) made.unshift((await create(lines(1))).batch.id);
  const ids = await listed(client.batches.list({ limit: 2 }));
  assert.deepEqual(ids.slice(0, 5), made);
  assert.equal(new Set(ids).size, ids.length);
  step('batches, page by page');
  const { batch } = await create(lines(50_000, { prefix: 'many' }));
  assert.ok((await client.batches.cancel(batch.id)).cancelling_at);
  const cancelled = await untilOver(batch);
  const done = cancelled.output_file_id ? (await resultsOf(cancelled.output_file_id)).length : 0;
  const left = await resultsOf(cancelled.error_file_id);
  assert.equal(cancelled.status, 'cancelled');
  assert.equal(done + left.length, 50_000);
  assert.deepEqual([left.at(-1).response, left.at(-1).error.code], [null, 'batch_cancelled']);
  step('cancelling');
  await assert.rejects(client.batches.cancel(batch.id), ConflictError);
  step('cancelling what is over');
}

await checkUploads();
await checkBatch();
await checkFailures();
await checkListAndCancel();
assert.notEqual((await listed(client.models.list())).length, 0);
step('models');
