// `llmbatch serve` as a process, and a client of it that does not give up while it is away.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { bin } from './sessions.mjs';

/** Starts the server in a folder. `log()` is what it has said so far. */
export function startServe({ port, folder, args }) {
  const words = [bin, 'serve', '--listen', `127.0.0.1:${port}`, '--dir', folder, ...args];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = [];
  child.stderr.on('data', (text) => said.push(text));
  const ended = once(child, 'close');
  return { pid: child.pid, ended, kill: (signal) => child.kill(signal), log: () => said.join('') };
}

/** Asks until the server answers: it may be dead for a while. Throws where it refuses the request. */
export async function ask(port, path, options = {}) {
  for (;;) {
    let response;
    let text;
    try {
      response = await fetch(`http://127.0.0.1:${port}${path}`, options);
      text = await response.text();
    } catch {
      await sleep(50);
      continue;
    }
    if (!response.ok) throw new Error(`${options.method ?? 'GET'} ${path}: ${response.status} ${text}`);
    return text;
  }
}

export async function upload(port, name, bytes) {
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new Blob([bytes]), name);
  return JSON.parse(await ask(port, '/v1/files', { method: 'POST', body: form }));
}

/** The key makes one batch of it, however often it is sent. */
export async function createBatch(port, inputFileId, { key, metadata = {} }) {
  const body = { input_file_id: inputFileId, endpoint: '/v1/chat/completions', completion_window: '24h', metadata };
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
  return JSON.parse(await ask(port, '/v1/batches', { method: 'POST', headers, body: JSON.stringify(body) }));
}

const over = ['completed', 'failed', 'expired', 'cancelled'];

/** Polls until the batch is over. */
export async function waitForBatch(port, id) {
  for (;;) {
    const batch = JSON.parse(await ask(port, `/v1/batches/${id}`));
    if (over.includes(batch.status)) return batch;
    await sleep(100);
  }
}

/** The lines of the output file and of the error file. */
export async function resultsOf(port, { output_file_id: output, error_file_id: error }) {
  const [outputs, errors] = await Promise.all([output, error].map(async (id) => (id ? linesOf(port, id) : [])));
  return { outputs, errors };
}

async function linesOf(port, id) {
  const text = await ask(port, `/v1/files/${id}/content`);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}
