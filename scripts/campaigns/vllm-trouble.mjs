// Trouble on a real vLLM with the model tiny-scorer: every process of it and of ours killed in the middle, one bad line of
// each kind, the same answers as the embedded engine. Every answer is compared with the truth. About 8 minutes.
//   node scripts/campaigns/vllm-trouble.mjs --python PYTHON --model FOLDER
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runSession } from './sessions.mjs';
import { checkAnswers, startCampaign } from './start-campaign.mjs';
import { secondsUntilGone, vllmEngine } from './vllm-engine.mjs';

const { values } = parseArgs({ options: { python: { type: 'string' }, model: { type: 'string' } } });
const engine = vllmEngine(values);
const { folder, input, finish } = await startCampaign('vllm-trouble', 5000);
const fixture = join(folder, 'fixture.jsonl');
copyFileSync(fileURLToPath(new URL('../../fixtures/candidates.jsonl', import.meta.url)), fixture);
const results = [];

await judge('500 candidates', fixture, [await run(fixture)]);
await judge('5,000 candidates', input, [await run(input)]);
await badLines();
await sameAnswers();
for (const several of [false, true]) {
  process.env.VLLM_ENABLE_V1_MULTIPROCESSING = several ? '1' : '0';
  const where = several ? 'an engine of several processes' : 'an engine of one process';
  await killRunner(where);
  await killEngine(where, 'the worker', /worker\.py/);
  if (several) await killEngine(where, "vLLM's core", /VLLM::EngineCore/);
}
finish({ results }, 'node scripts/campaigns/vllm-trouble.mjs --python PYTHON --model FOLDER');

async function badLines() {
  const lines = readFileSync(fixture, 'utf8').trim().split('\n');
  const body = (number) => JSON.parse(lines[number]).body;
  lines[100] = '{"custom_id": "malformed", ';
  lines[200] = JSON.stringify({
    custom_id: 'long',
    body: { ...body(200), messages: [{ role: 'user', content: 'word '.repeat(20_000) }] },
  });
  lines[300] = JSON.stringify({ custom_id: 'unknown', body: { ...body(300), no_such_key: 1 } });
  const path = join(folder, 'bad.jsonl');
  writeFileSync(path, `${lines.join('\n')}\n`);
  await judge('one malformed line, one too long, one with an unknown key among 500', path, [await run(path)]);
}

/** By `llmbatch` and `jq` alone, as a user would. */
async function sameAnswers() {
  const embedded = join(folder, 'embedded.jsonl');
  const own = await runSession(['run', fixture, '-b', 'llama-cpp', '-m', 'tiny-scorer', '-o', embedded, '--json'], {
    cwd: folder,
  });
  const other = await run(fixture);
  const answers = (path) =>
    execFileSync('jq', ['-c', '[.custom_id, .response.body.choices[0].message.content]', path], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
  const [left, right] = [embedded, outputOf(fixture)].map((path) => answers(path).trim().split('\n'));
  results.push({
    what: 'the same 500 lines through llama-cpp and through vllm',
    exit_codes: [own.exitCode, other.exitCode],
    lines: left.length,
    same: left.filter((line, index) => line === right[index]).length,
  });
  console.error(JSON.stringify(results.at(-1)));
}

async function killRunner(where) {
  const first = await run(input, { endAt: 1000 });
  const gone = await secondsUntilGone(() => engine.processes());
  const second = await runSession(['resume', outputOf(input), '--json'], { cwd: folder });
  await judge(`the runner killed by -9 in the middle, then resumed: ${where}`, input, [first, second], {
    seconds_until_no_process: gone,
  });
}

async function killEngine(where, what, pattern) {
  const killed = { pid: null };
  const onDone = (done) => {
    const target = engine.processes().find(({ command }) => pattern.test(command));
    if (done < 1000 || killed.pid !== null || target === undefined) return;
    killed.pid = target.pid;
    process.kill(target.pid, 'SIGKILL');
  };
  await judge(`${what} killed by -9 in the middle: ${where}`, input, [await run(input, { onDone })], {
    killed: killed.pid !== null,
  });
}

function run(path, watch = {}) {
  return runSession(['run', path, ...engine.flags, '--json', '--overwrite'], {
    cwd: folder,
    onDone: () => void engine.processes(),
    ...watch,
  });
}

function outputOf(path) {
  return path.replace('.jsonl', '.results.jsonl');
}

async function judge(what, path, sessions, more = {}) {
  const { right, wrong, failed, unchecked, missing, repeated } = checkAnswers(path, outputOf(path));
  const errors = readFileSync(outputOf(path), 'utf8')
    .trim()
    .split('\n')
    .map(JSON.parse)
    .flatMap(({ error }) => error ?? []);
  results.push({
    what,
    exit_codes: sessions.map(({ exitCode, signal }) => signal ?? exitCode),
    right,
    wrong,
    failed,
    unchecked,
    missing,
    repeated,
    ...more,
    seconds_until_no_process_at_the_end: await secondsUntilGone(() => engine.processes()),
    requests_per_second: sessions.map(({ summary }) => summary?.overall_rate ?? null),
    errors: errors.slice(0, 4),
    notes: sessions
      .flatMap(({ notes }) => notes)
      .map((note) =>
        note.replaceAll(folder, 'FOLDER').replaceAll(values.python, 'PYTHON').replaceAll(values.model, 'MODEL'),
      ),
  });
  console.error(JSON.stringify(results.at(-1), null, 1));
}
