// Sends a batch to `llmbatch serve` with OpenAI's own client for Node, waits for it, and prints the answers.
//
//   npm install openai
//   llmbatch serve -m model.gguf        # in another terminal
//   node client.mjs requests.jsonl
import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: process.env.OPENAI_BASE_URL ?? 'http://127.0.0.1:4080/v1',
  // The client requires a key. A server on this machine does not check it.
  apiKey: process.env.LLMBATCH_API_KEY ?? 'none',
});
const isOver = new Set(['completed', 'failed', 'expired', 'cancelled']);

const uploaded = await client.files.create({ file: createReadStream(process.argv[2]), purpose: 'batch' });
let batch = await client.batches.create({
  input_file_id: uploaded.id,
  endpoint: '/v1/chat/completions',
  completion_window: '24h',
});

while (!isOver.has(batch.status)) {
  await sleep(2000);
  batch = await client.batches.retrieve(batch.id);
  const { completed, total, failed } = batch.request_counts;
  console.error(`${batch.status}: ${completed} of ${total}, ${failed} failed`);
}

for (const { line, message } of batch.errors?.data ?? []) console.error(`line ${line}: ${message}`);
if (batch.output_file_id) {
  const text = await (await client.files.content(batch.output_file_id)).text();
  for (const line of text.trim().split('\n')) {
    const { custom_id: id, response } = JSON.parse(line);
    console.log(JSON.stringify({ id, answer: response.body.choices[0].message.content }));
  }
}
if (batch.error_file_id) console.error(await (await client.files.content(batch.error_file_id)).text());
