// `llmbatch run` against vLLM's own ways, on the same requests, machine and settings, in turn:
//   node scripts/campaigns/vllm-ratios.mjs --python PYTHON --model FOLDER [--count 5000] [--pairs 5]
// Two rates for each: from the loaded model to the last result, and of the whole command with its start. About 25 minutes.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runSession } from './sessions.mjs';
import { checkAnswers, median, startCampaign } from './start-campaign.mjs';
import { engineOptions, vllmEngine } from './vllm-engine.mjs';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    model: { type: 'string' },
    count: { type: 'string', default: '5000' },
    pairs: { type: 'string', default: '5' },
  },
});
const count = Number(values.count);
const engine = vllmEngine(values);
const { folder, input, output, finish } = await startCampaign('vllm-ratios', count);
const baselines = fileURLToPath(new URL('vllm-baselines.py', import.meta.url));
const quiet = { VLLM_WORKER_MULTIPROC_METHOD: 'spawn', VLLM_LOGGING_LEVEL: 'ERROR', VLLM_NO_USAGE_STATS: '1' };
const named = forModel();

/** By name: returns {rate, seconds}. One process and several: `LLM` in its default has a core process of its own. */
const ways = {
  llmbatch,
  'LLM.generate, whole list, one process': () => python('whole', { VLLM_ENABLE_V1_MULTIPROCESSING: '0' }),
  'LLM.generate, whole list, default': () => python('whole', {}),
  'LLM.generate, 512 at a time, one process': () => python('chunked', { VLLM_ENABLE_V1_MULTIPROCESSING: '0' }),
  'AsyncLLM, 128 in flight': () => python('async', {}),
  'vllm run-batch': runBatch,
};

const rounds = [];
for (let pair = 1; pair <= Number(values.pairs); pair++) {
  const round = {};
  const names = Object.keys(ways);
  // In turn from both ends, so that a drift of the machine hits all alike.
  for (const name of pair % 2 === 1 ? names : names.toReversed()) {
    round[name] = await ways[name]();
    console.error(pair, name, JSON.stringify(round[name]));
  }
  rounds.push(round);
}
finish(
  { count, options: engineOptions, ratios: ratios(rounds), rounds },
  'node scripts/campaigns/vllm-ratios.mjs --python PYTHON --model FOLDER',
);

/** Of llmbatch over each other way: the medians over the rounds of the ratios within a round. */
function ratios(all) {
  const over = (name, key) => median(all.map((round) => round.llmbatch[key] / round[name][key]));
  return Object.fromEntries(
    Object.keys(ways)
      .slice(1)
      .map((name) => [name, { loaded: over(name, 'rate'), whole_command: over(name, 'whole_rate') }]),
  );
}

async function llmbatch() {
  const { seconds, summary } = await runSession(['run', input, ...engine.flags, '--json', '--overwrite'], {
    cwd: folder,
  });
  return { rate: summary.overall_rate, whole_rate: count / seconds, right: checkAnswers(input, output).right };
}

function python(way, environment) {
  const target = join(folder, 'baseline.jsonl');
  const { stdout, seconds } = run(
    values.python,
    [baselines, way, input, target, values.model, JSON.stringify(engineOptions)],
    environment,
  );
  const { rate } = JSON.parse(stdout.trim().split('\n').at(-1));
  return { rate, whole_rate: count / seconds, right: checkAnswers(input, target).right };
}

/** Its clock starts where its bar does, since it says nothing when the model is loaded. */
function runBatch() {
  const target = join(folder, 'run-batch.jsonl');
  const command = join(dirname(values.python), 'vllm');
  const flags = Object.entries(engineOptions).flatMap(([name, value]) => {
    const flag = `--${name.replaceAll('_', '-')}`;
    return value === true ? [flag] : [flag, String(value)];
  });
  const { seconds, stderr } = run(
    command,
    ['run-batch', '-i', named, '-o', target, '--model', values.model, ...flags],
    {},
  );
  return { rate: count / elapsed(stderr), whole_rate: count / seconds, right: checkAnswers(input, target).right };
}

/** `[00:12<00:00` at the end of its bar. */
function elapsed(text) {
  const [, minutes, seconds] = [...text.matchAll(/\[(\d+):(\d+)<00:00/g)].at(-1) ?? [];
  return Number(minutes) * 60 + Number(seconds);
}

function run(command, args, environment) {
  const startedAt = performance.now();
  const child = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...quiet, ...environment },
    maxBuffer: 2 ** 28,
  });
  if (child.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${child.status}\n${child.stderr.slice(-2000)}`);
  return { ...child, seconds: (performance.now() - startedAt) / 1000 };
}

/** The requests with the model's name as `vllm run-batch` has it. */
function forModel() {
  const path = join(folder, 'named.jsonl');
  const lines = readFileSync(input, 'utf8').trim().split('\n').map(JSON.parse);
  for (const { body } of lines) body.model = values.model;
  writeFileSync(path, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  return path;
}
