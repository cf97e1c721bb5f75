// Runner against engine: the same candidates through `llmbatch run` (files, checkpoint, fsync) and through a bare loop of
// the ollama package as it comes, in turn, at the same concurrency; on a real server, and on a stub that answers at once.
//   node scripts/campaigns/ollama-loop.mjs --host 127.0.0.1:11434 [--count 2000] [--workers 8] [--rounds 5]
//   node scripts/campaigns/ollama-loop.mjs --stub [--count 20000] [--workers 8] [--rounds 5]
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Ollama } from 'ollama';
import { versionOf } from './ollama-server.mjs';
import { runSession } from './sessions.mjs';
import { median, startCampaign } from './start-campaign.mjs';

const { values } = parseArgs({
  options: {
    host: { type: 'string' },
    stub: { type: 'boolean', default: false },
    count: { type: 'string', default: '2000' },
    workers: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
  },
});
const stub = values.stub ? await startStub() : null;
const host = stub?.host ?? values.host;
const name = values.stub ? 'ollama-loop-stub' : 'ollama-loop';
const { folder, input, finish } = await startCampaign(name, values.count);
const rows = readFileSync(input, 'utf8').trim().split('\n').map(JSON.parse);
const context = { num_ctx: 1024, num_thread: 1 };

const rounds = [];
for (let round = 0; round < Number(values.rounds); round++) {
  rounds.push({ llmbatch: await runner(), streamed: await bareLoop(true), not_streamed: await bareLoop(false) });
  console.error(JSON.stringify(rounds.at(-1)));
}
const ratio = (key) => median(rounds.map((round) => round.llmbatch / round[key]));
const result = {
  ...{ requests: rows.length, workers: Number(values.workers), unit: 'requests per second' },
  ...{ server: values.stub ? 'stub' : `ollama ${await versionOf(host)}` },
  ratios: { streamed: ratio('streamed'), not_streamed: ratio('not_streamed') },
  rounds,
};
const where = values.stub ? '--stub' : '--host HOST';
const rest = `--count ${values.count} --workers ${values.workers} --rounds ${values.rounds}`;
finish(result, `node scripts/campaigns/ollama-loop.mjs ${where} ${rest}`);
console.log(JSON.stringify(result.ratios));
stub?.stop();

/** Requests per second of a whole run, from its first request to the last result on disk. */
async function runner() {
  const options = Object.entries({ ...context, slots: values.workers }).flatMap(([key, value]) => [
    '--option',
    `${key}=${value}`,
  ]);
  const args = ['run', input, '-b', 'ollama', '--host', host, '--workers', values.workers, '--overwrite', '--json'];
  const { summary, exitCode } = await runSession([...args, ...options], { cwd: folder });
  if (exitCode !== 0) throw new Error(`the run ended with ${exitCode}`);
  return summary.overall_rate;
}

async function bareLoop(stream) {
  const client = new Ollama({ host: `http://${host}` });
  const state = { next: 0, right: 0 };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Number(values.workers) }, () => answerRows(client, stream, state)));
  const seconds = (performance.now() - startedAt) / 1000;
  if (!values.stub && state.right < rows.length) throw new Error(`only ${state.right} of ${rows.length} right`);
  return rows.length / seconds;
}

async function answerRows(client, stream, state) {
  while (state.next < rows.length) {
    const { body, expected } = rows[state.next++];
    const options = { ...context, temperature: 0, num_predict: body.max_tokens, repeat_penalty: 1 };
    const request = { model: body.model, messages: body.messages, options, keep_alive: -1, think: false };
    const answer = await client.chat({ ...request, stream });
    let text = '';
    if (!stream) text = answer.message.content;
    else for await (const part of answer) text += part.message.content;
    state.right += Number(text === JSON.stringify(expected));
  }
}

async function startStub() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('instant-ollama.mjs', import.meta.url))]);
  const [line] = await new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (text) => resolve([text]));
  });
  return { host: line, stop: () => child.kill() };
}
