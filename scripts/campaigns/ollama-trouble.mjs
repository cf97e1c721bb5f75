// Trouble on a real Ollama server with the model tiny-scorer: a prompt of 20,000 words, the server killed in the middle, not
// started yet, with a full queue, the model deleted. Every answer is compared with the truth. About 3 minutes.
//   node scripts/campaigns/ollama-trouble.mjs --host 127.0.0.1:11501 --kill COMMAND --start COMMAND \
//     --start-short COMMAND     (the same with OLLAMA_MAX_QUEUE=2)
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCommand, startCommand, versionOf } from './ollama-server.mjs';
import { runSession } from './sessions.mjs';
import { checkAnswers, startCampaign } from './start-campaign.mjs';

const { values } = parseArgs({
  options: {
    host: { type: 'string' },
    kill: { type: 'string' },
    start: { type: 'string' },
    'start-short': { type: 'string' },
  },
});
const { folder, input, finish } = await startCampaign('ollama-trouble', 2000);
const flags = ['-b', 'ollama', '--host', values.host, '--option', 'num_thread=1', '--json'];
const results = [];

await longPrompt();
await killedServer();
await lateServer();
await deletedModel();
await fullQueue();
finish(
  { server: `ollama ${await versionOf(values.host)}`, results },
  'node scripts/campaigns/ollama-trouble.mjs --host HOST --kill COMMAND --start COMMAND --start-short COMMAND',
);

async function longPrompt() {
  const lines = readFileSync(input, 'utf8').trim().split('\n').slice(0, 400);
  const long = JSON.parse(lines[200]);
  long.body.messages[1].content = 'Candidate: '.concat('word '.repeat(20_000));
  lines[200] = JSON.stringify({ custom_id: 'long', body: long.body });
  const path = join(folder, 'long.jsonl');
  writeFileSync(path, `${lines.join('\n')}\n`);
  await judge('a prompt of 20,000 words among 400', path, [await run(path)]);
}

async function killedServer() {
  const onDone = once(
    (done) => done > 600,
    () => {
      runCommand(values.kill);
      setTimeout(() => startCommand(values.start), 3000);
    },
  );
  await judge('the server killed by -9 in a run of 2,000, started again after 3 s', input, [
    await run(input, { onDone }),
  ]);
}

async function lateServer() {
  runCommand(values.kill);
  setTimeout(() => startCommand(values.start), 3000);
  await judge('the server started 3 s after the run', input, [await run(input)]);
}

async function deletedModel() {
  await call('POST', '/api/copy', { source: 'tiny-scorer', destination: 'kept' });
  const onDone = once(
    (done) => done > 600,
    () => void call('DELETE', '/api/delete', { model: 'tiny-scorer' }),
  );
  const first = await run(input, { onDone });
  await call('POST', '/api/copy', { source: 'kept', destination: 'tiny-scorer' });
  const second = await runSession(['resume', input.replace('.jsonl', '.results.jsonl'), '--json'], { cwd: folder });
  await judge('the model deleted in a run of 2,000, then brought back and resumed', input, [first, second]);
}

async function fullQueue() {
  runCommand(values.kill);
  runCommand(values['start-short']);
  await judge('16 workers, the model not loaded, a queue of 2', input, [await run(input, {}, ['--workers', '16'])]);
  const onDone = once(
    (done) => done > 600,
    () => {
      runCommand(values.kill);
      startCommand(values['start-short']);
    },
  );
  await judge('the same, killed and started again in the middle', input, [
    await run(input, { onDone }, ['--workers', '16']),
  ]);
}

function run(path, watch = {}, more = []) {
  return runSession(['run', path, ...flags, '--overwrite', ...more], { cwd: folder, ...watch });
}

function once(isTime, act) {
  const state = { isDone: false };
  return (done) => {
    if (state.isDone || !isTime(done)) return;
    state.isDone = true;
    act();
  };
}

async function call(method, path, body) {
  const response = await fetch(`http://${values.host}${path}`, { method, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
}

async function judge(what, path, sessions) {
  const output = path.replace('.jsonl', '.results.jsonl');
  const { right, wrong, failed, unchecked, missing, repeated } = checkAnswers(path, output);
  const errors = readFileSync(output, 'utf8')
    .trim()
    .split('\n')
    .map(JSON.parse)
    .flatMap(({ error }) => error ?? []);
  const exitCodes = sessions.map(({ exitCode, signal }) => signal ?? exitCode);
  const notes = sessions.flatMap((session) => session.notes).map((note) => note.replaceAll(folder, 'FOLDER'));
  results.push({
    what,
    exit_codes: exitCodes,
    right,
    wrong,
    failed,
    unchecked,
    missing,
    repeated,
    errors: errors.slice(0, 3),
    notes,
  });
  console.error(JSON.stringify(results.at(-1), null, 1));
}
