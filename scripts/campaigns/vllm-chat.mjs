// `llmbatch run` against `LLM.chat` on the whole list: a real model, the same requests, settings and machine, in turn, each with
// vLLM in one process. Rates are from the loaded model to the last result; CPU seconds are those of the whole command.
//   node scripts/campaigns/vllm-chat.mjs --python PYTHON --model FOLDER [--count 500] [--max-tokens 200] [--kind open] [--pairs 5]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runSession } from './sessions.mjs';
import { median, writeResult } from './start-campaign.mjs';
import { engineOptions, vllmEngine } from './vllm-engine.mjs';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    model: { type: 'string' },
    count: { type: 'string', default: '500' },
    'max-tokens': { type: 'string', default: '200' },
    kind: { type: 'string', default: 'open' },
    pairs: { type: 'string', default: '5' },
  },
});
const { python, model, count, kind, pairs, 'max-tokens': maxTokens } = values;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const engine = vllmEngine({ python, model });
const folder = mkdtempSync(join(tmpdir(), 'vllm-chat-'));
const input = join(folder, 'prompts.jsonl');
const sizes = ['--kind', kind, '--count', count, '--max-tokens', maxTokens];
writeFileSync(input, execFileSync(process.execPath, [here('../make-prompts.mjs'), ...sizes], { maxBuffer: 2 ** 28 }));

const ways = { llmbatch, chat };
const rounds = [];
for (let pair = 1; pair <= Number(pairs); pair++) {
  const round = {};
  // In turn from both ends, so that a drift of the machine hits both alike.
  for (const name of pair % 2 === 1 ? ['llmbatch', 'chat'] : ['chat', 'llmbatch']) {
    const output = join(folder, `${name}.jsonl`);
    const cpuBefore = childSeconds();
    const rate = await ways[name](output);
    const tokens = answersIn(output).reduce((sum, answer) => sum + answer.tokens, 0);
    round[name] = { rate, token_rate: (tokens * rate) / count, tokens, cpu_seconds: childSeconds() - cpuBefore };
    console.error(pair, name, JSON.stringify(round[name]));
  }
  round.same_answers = sameAnswers();
  rounds.push(round);
}
const ratio = (key) => median(rounds.map((round) => round.llmbatch[key] / round.chat[key]));
const ratios = { rate: ratio('rate'), token_rate: ratio('token_rate'), cpu_seconds: ratio('cpu_seconds') };
const command = `node scripts/campaigns/vllm-chat.mjs --python PYTHON --model FOLDER ${sizes.join(' ')} --pairs ${pairs}`;
writeResult('vllm-chat', { model: model.split('/').at(-1), options: engineOptions, ratios, rounds }, command);
console.log(JSON.stringify(ratios));
rmSync(folder, { recursive: true });

async function llmbatch(output) {
  const flags = ['--json', '--overwrite', '--allow-truncated', '--allow-empty-answers', '--allow-repetition'];
  const { summary, exitCode, notes } = await runSession(['run', input, '-o', output, ...engine.flags, ...flags], {});
  if (exitCode !== 0) throw new Error(`llmbatch ended with ${exitCode}: ${notes.join(' ')}`);
  return summary.overall_rate;
}

function chat(output) {
  const args = [here('vllm-baselines.py'), 'chat', input, output, model, JSON.stringify(engineOptions)];
  const env = { ...process.env, VLLM_ENABLE_V1_MULTIPROCESSING: '0', VLLM_LOGGING_LEVEL: 'ERROR' };
  const text = execFileSync(python, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(text.trim().split('\n').at(-1)).rate;
}

function answersIn(path) {
  const lines = readFileSync(path, 'utf8').trim().split('\n').map(JSON.parse);
  return lines.map(({ custom_id: id, response }) => ({
    id,
    tokens: response.body.usage.completion_tokens,
    text: response.body.choices[0].message.content,
  }));
}

/** How many answers are the same: a greedy answer depends a little on what runs beside it. */
function sameAnswers() {
  const texts = new Map(answersIn(join(folder, 'chat.jsonl')).map(({ id, text }) => [id, text]));
  return answersIn(join(folder, 'llmbatch.jsonl')).filter(({ id, text }) => texts.get(id) === text).length;
}

/** CPU seconds of all processes that have ended: fields 16 and 17 of proc(5)'s stat, in hundredths. */
function childSeconds() {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}
