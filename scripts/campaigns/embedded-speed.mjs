// The embedded engine against a `llama-server` with the same GGUF, threads, slots and requests, in turn, each started anew for each
// run. Rates are from the first request that is sent to the last answer, CPU seconds those of the engine in that time (Linux: /proc).
//   node scripts/campaigns/embedded-speed.mjs --smollm2 GGUF --gemma3 GGUF --llama-server PROGRAM
//     [--arms library,server] [--cells smollm2-2-200-8] [--pairs 5] [--out FOLDER]
// Arms: library (the engine's library), child (a llama-server that llmbatch starts itself), server (a llama-server at an address).
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allCells, writeRequests } from './embedded-cells.mjs';
import { summaryOf, tableOf } from './embedded-summary.mjs';
import { environment } from './environment.mjs';
import { serverVersion, startLlamaServer } from './llama-server.mjs';
import { runSession } from './sessions.mjs';
import { descendantsOf, watchCpu } from './watch-cpu.mjs';

const { values } = parseArgs({
  options: {
    smollm2: { type: 'string' },
    gemma3: { type: 'string' },
    'llama-server': { type: 'string' },
    arms: { type: 'string', default: 'library,server' },
    cells: { type: 'string' },
    pairs: { type: 'string', default: '5' },
    out: { type: 'string' },
  },
});
const program = values['llama-server'];
const names = values.arms.split(',');
const cells = values.cells?.split(',').map((name) => allCells.find((cell) => cell.name === name)) ?? allCells;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const target = values.out ?? here(`../../bench-results/${new Date().toISOString().slice(0, 10)}-embedded-speed`);
const slots = 4;
const contextTokens = 4096;
const { version: library } = JSON.parse(readFileSync(here('../../node_modules/node-llama-cpp/package.json'), 'utf8'));
const versions = { node_llama_cpp: library, llama_server: serverVersion(program) };

const arms = { library: runLibrary, child: runChild, server: runOnServer };
const folder = mkdtempSync(join(tmpdir(), 'embedded-speed-'));
const results = [];
for (const cell of cells) {
  const input = join(folder, `${cell.name}.jsonl`);
  writeRequests(input, cell);
  const rounds = [];
  for (let pair = 0; pair < Number(values.pairs); pair++) rounds.push(await runRound(cell, input, pair));
  results.push({ ...cell, ...summaryOf(rounds, names) });
  write();
}
rmSync(folder, { recursive: true });

/** Each arm once: from both ends in turn, so that a drift of the machine hits all alike. */
async function runRound(cell, input, pair) {
  const round = {};
  for (const name of pair % 2 === 0 ? names : names.toReversed()) {
    round[name] = await arms[name]({ ...cell, file: values[cell.model], input, output: join(folder, 'out.jsonl') });
    console.error(cell.name, pair + 1, name, JSON.stringify({ ...round[name], texts: undefined }));
  }
  return round;
}

function runLibrary(run) {
  const isChoice = readFileSync(here('../../docs/backends/llama-cpp.md'), 'utf8').includes('| `server` |');
  return runEmbedded(run, isChoice ? ['--option', 'server=off'] : []);
}

function runChild(run) {
  return runEmbedded(run, ['--option', `server=${program}`]);
}

/** The engine is all that the runner started. */
function runEmbedded(run, flags) {
  const options = ['--option', `threads=${run.threads}`, '--option', `context_size=${contextTokens}`];
  return measure(run, ['-b', 'llama-cpp', '-m', run.file, ...options, ...flags]);
}

async function runOnServer(run) {
  const sizes = ['-c', String(slots * contextTokens), '-np', String(slots), '-t', String(run.threads)];
  const cache = ['--cache-ram', '0', ...(run.model === 'gemma3' ? ['--swa-full'] : [])];
  const server = await startLlamaServer(program, ['-m', run.file, ...sizes, ...cache]);
  try {
    const flags = ['-b', 'openai', '--base-url', `${server.url}/v1`, '-m', basename(run.file)];
    const measured = await measure(run, flags, server.pid);
    return { ...measured, batch_size: await server.meanBatch() };
  } finally {
    await server.stop();
  }
}

async function measure({ input, output }, flags, enginePid = null) {
  let cpu = null;
  const onStart = (runner) => (cpu = watchCpu(enginePid === null ? () => descendantsOf(runner) : () => [enginePid]));
  const allowed = ['--allow-truncated', '--allow-empty-answers', '--allow-repetition'];
  const args = ['run', input, '-o', output, '--overwrite', '--json', '--workers', String(slots), ...allowed, ...flags];
  const { exitCode, notes } = await runSession(args, { cwd: folder, onStart });
  const samples = cpu.stop();
  if (exitCode !== 0) throw new Error(`llmbatch ended with ${exitCode}: ${notes.join(' ')}`);
  const answers = readFileSync(output, 'utf8').trim().split('\n').map(readAnswer);
  const from = Math.min(...answers.map((answer) => answer.start));
  const to = Math.max(...answers.map((answer) => answer.end));
  const seconds = (to - from) / 1000;
  const sum = (key) => answers.reduce((total, answer) => total + answer[key], 0);
  return {
    seconds,
    rate: answers.length / seconds,
    token_rate: sum('tokens') / seconds,
    cpu_seconds: samples.between(from, to),
    prompt_tokens: sum('prompt'),
    computed_prompt_tokens: sum('prompt') - sum('cached'),
    answer_tokens: sum('tokens'),
    texts: answers.map(({ text }) => text),
  };
}

function readAnswer(line) {
  const { llmbatch, response } = JSON.parse(line);
  const { choices, usage } = response.body;
  const start = Date.parse(llmbatch.started_at);
  return {
    start,
    end: start + llmbatch.latency_ms,
    text: choices[0].message.content,
    tokens: usage.completion_tokens,
    prompt: usage.prompt_tokens,
    cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
  };
}

/** After each cell, so that a run that is ended leaves what it has. */
function write() {
  mkdirSync(target, { recursive: true });
  const flags = `--smollm2 GGUF --gemma3 GGUF --llama-server PROGRAM --arms ${values.arms} --pairs ${values.pairs}`;
  const about = { ...environment(`node scripts/campaigns/embedded-speed.mjs ${flags}`), ...versions };
  writeFileSync(join(target, 'results.json'), `${JSON.stringify({ ...about, slots, cells: results }, null, 2)}\n`);
  writeFileSync(join(target, 'README.md'), tableOf(results, about));
}
