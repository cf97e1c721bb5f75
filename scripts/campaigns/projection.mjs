// What `llmbatch run --estimate 1000` promises for 10,000 requests, against the time that they then take, model loaded, and what
// the rate of the first 20 answers would have promised; engines in turn, in each round.
//   node scripts/campaigns/projection.mjs [--ollama HOST] [--vllm PYTHON --model FOLDER] [--rounds 3] [--systems 1]
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runSession } from './sessions.mjs';
import { checkAnswers, median, startCampaign } from './start-campaign.mjs';
import { vllmEngine } from './vllm-engine.mjs';

const { values } = parseArgs({
  options: {
    ollama: { type: 'string' },
    vllm: { type: 'string' },
    model: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    systems: { type: 'string', default: '1' },
  },
});
const count = 10_000;
const sample = 1000;
const { folder, input, finish } = await startCampaign('projection', count, values.systems);
const engines = {
  'llama-cpp': ['-b', 'llama-cpp', '--workers', '4'],
  ...(values.ollama && { ollama: ['-b', 'ollama', '--host', values.ollama, '--workers', '4'] }),
  ...(values.vllm && { vllm: [...vllmEngine({ python: values.vllm, model: values.model }).flags, '--workers', '64'] }),
};
const rounds = [];
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const [engine, flags] of Object.entries(engines)) {
    rounds.push({ round, engine, ...(await measure(flags, join(folder, `${engine}-${round}.jsonl`))) });
    console.error(JSON.stringify(rounds.at(-1)));
  }
}
const medians = Object.fromEntries(
  Object.keys(engines).map((engine) => {
    const own = rounds.filter((row) => row.engine === engine);
    const middle = (key) => round3(median(own.map((row) => row[key])));
    return [engine, { error: middle('error'), first_20_error: middle('first_20_error') }];
  }),
);
finish({ requests: count, sample, systems: Number(values.systems), medians, rounds }, commandLine());
console.log(JSON.stringify(medians));

async function measure(flags, output) {
  const run = (...more) => runSession(['run', input, ...flags, '--json', ...more], { cwd: folder });
  const { summary: promised } = await run('--estimate', String(sample));
  const { summary: real } = await run('-o', output);
  const seconds = real.elapsed_seconds;
  return {
    right: checkAnswers(input, output).right,
    seconds,
    is_steady: promised.steady.is_steady,
    promised_seconds: promised.hours.expected * 3600,
    promised_range: [promised.hours.low, promised.hours.high].map((hours) => hours && hours * 3600),
    first_20_seconds: count / promised.first_20_rate,
    error: round3((promised.hours.expected * 3600) / seconds - 1),
    first_20_error: round3(count / promised.first_20_rate / seconds - 1),
  };
}

function round3(value) {
  return Math.round(value * 1000) / 1000;
}

function commandLine() {
  const engine = `${values.ollama ? ' --ollama HOST' : ''}${values.vllm ? ' --vllm PYTHON --model FOLDER' : ''}`;
  return `node scripts/campaigns/projection.mjs${engine} --rounds ${values.rounds} --systems ${values.systems}`;
}
