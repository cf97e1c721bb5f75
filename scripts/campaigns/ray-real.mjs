// A real vLLM on each of two raylets, which stand for two nodes: many candidates, fewer of them with a process killed in the
// middle, and a rubric on a real model. Each id once, every answer as expected, and no process left. About 10 minutes.
//   node scripts/campaigns/ray-real.mjs --python PYTHON --model FOLDER [--count 20000] [--only NAME,NAME]
//     [--rubric-model FOLDER --rubric INPUT --reference REFERENCE]
// PYTHON has Ray and vLLM. The model tiny-scorer is in FOLDER. INPUT comes from scripts/make-prompts.mjs, REFERENCE from
// fixtures/references/make.py.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { compareWithReference } from './compare-with-reference.mjs';
import { cpuSeconds, endProcess, ourProcesses, startTwoNodes, whenDone, describeSessions } from './ray-cluster.mjs';
import { bin, runSession } from './sessions.mjs';
import { checkAnswers, startCampaign } from './start-campaign.mjs';
import { secondsUntilGone, vllmEngine } from './vllm-engine.mjs';

const execute = promisify(execFile);
const text = { type: 'string' };
const { values } = parseArgs({
  options: {
    python: text,
    model: text,
    count: { type: 'string', default: '20000' },
    only: text,
    'rubric-model': text,
    rubric: text,
    reference: text,
  },
});
const { python, model, rubric, reference } = values;
const { flags } = vllmEngine(values);
const { folder, input, finish } = await startCampaign('ray-real', Number(values.count));
const output = join(folder, 'results.jsonl');
const fewer = join(folder, 'fewer.jsonl');
const middle = 1500;
writeFileSync(fewer, `${readFileSync(input, 'utf8').split('\n').slice(0, 4000).join('\n')}\n`);
const results = [];

const scenarios = {
  async all() {
    const seconds = {};
    const session = await run(input, [...flags, ...onRay()], { onDone: () => noteWorkers(seconds) });
    await judge('no trouble', [session], { ...check(input), cpu_seconds_of_each_worker: Object.values(seconds) });
  },
  async alone() {
    await judge('the same without Ray: one engine', [await run(input, flags)], check(input));
  },
  actor: () => kill('an actor', /^ray::Shell/),
  core: () => {
    // Is handed to the nodes, as each variable of vLLM.
    process.env.VLLM_ENABLE_V1_MULTIPROCESSING = '1';
    return kill("vLLM's core", /VLLM::EngineCore/).finally(() => delete process.env.VLLM_ENABLE_V1_MULTIPROCESSING);
  },
  async runner() {
    const first = await run(fewer, [...flags, ...onRay()], { endAt: middle });
    const gone = await secondsUntilGone(ourProcesses);
    const second = await runSession(['resume', output, '--json'], { cwd: folder });
    const more = { ...check(fewer), seconds_until_no_process: gone };
    await judge('the runner killed by -9, then resumed', [first, second], more);
  },
  async steered() {
    const steps = [];
    const onDone = whenDone(middle, () => steer(steps));
    const session = await run(fewer, [...flags, ...onRay()], { onDone });
    await judge('paused, resumed, and given other numbers of workers', [session], { ...check(fewer), steps });
  },
  async rubric() {
    if (rubric === undefined) return;
    const options = ['dtype=float32', 'enforce_eager=true', 'max_model_len=4096', 'max_num_seqs=16', 'block_size=32'];
    const engine = ['-b', 'vllm', '-m', values['rubric-model'], '--python', python, '--allow-truncated'];
    const args = [...engine, ...options.flatMap((option) => ['--option', option]), ...onRay()];
    const session = await run(rubric, args);
    await judge('a rubric on a real model', [session], compareWithReference({ input: rubric, output, reference }));
  },
};

const cluster = await startTwoNodes({ python });
try {
  for (const [name, scenario] of Object.entries(scenarios))
    if (values.only === undefined || values.only.split(',').includes(name)) await scenario();
} finally {
  cluster.end();
}
const ofRubric = rubric === undefined ? '' : ' --rubric-model FOLDER --rubric INPUT --reference REFERENCE';
finish(
  { count: Number(values.count), results },
  `node scripts/campaigns/ray-real.mjs --python PYTHON --model FOLDER${ofRubric}`,
);

/** Both engines have a share from the first request on. */
function onRay() {
  return ['--ray', cluster.address, '--replicas', '2-2'];
}

async function kill(what, pattern) {
  const onDone = whenDone(middle, () => endProcess(ourProcesses(), pattern));
  const session = await run(fewer, [...flags, ...onRay()], { onDone });
  await judge(`${what} killed by -9`, [session], check(fewer));
}

function run(lines, args, watch = {}) {
  return runSession(['run', lines, '-o', output, ...args, '--json', '--overwrite'], { cwd: folder, ...watch });
}

/** As from another terminal: what the run says to each command, and to the same three seconds later. */
async function steer(steps) {
  for (const args of [
    ['pause', '--wait'],
    ['set', 'workers=8'],
  ]) {
    const command = args.join(' ');
    steps.push({ command, ...(await ask(args)) });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    steps.push({ command: `${command}, 3 s later`, ...(await ask(args)) });
    if (args[0] === 'pause') await execute(process.execPath, [bin, 'resume', output]);
  }
  steps.push({ command: 'set workers=auto', ...(await ask(['set', 'workers=auto'])) });
}

async function ask(args) {
  const { stdout } = await execute(process.execPath, [bin, ...args, output, '--json']);
  const { paused, in_flight, workers } = JSON.parse(stdout);
  const results_so_far = readFileSync(output, 'utf8').split('\n').length - 1;
  return { is_paused: paused !== null, in_flight, workers, results_so_far };
}

/** CPU seconds that each worker has used, by its process. */
function noteWorkers(seconds) {
  for (const { pid, command } of ourProcesses())
    if (command.includes('worker.py')) seconds[pid] = cpuSeconds(pid) ?? seconds[pid];
}

function check(lines) {
  const { right, wrong, failed, unchecked, missing, repeated } = checkAnswers(lines, output);
  return { right, wrong, failed, unchecked, missing, repeated };
}

async function judge(what, sessions, more) {
  const { 'rubric-model': rubricModel = model } = values;
  const places = { FOLDER: folder, PYTHON: python, MODEL: model, RUBRIC_MODEL: rubricModel };
  results.push({
    what,
    exit_codes: sessions.map(({ exitCode, signal }) => signal ?? exitCode),
    ...more,
    seconds_until_no_process_at_the_end: await secondsUntilGone(ourProcesses),
    ...describeSessions(sessions, places),
  });
  console.error(JSON.stringify(results.at(-1), null, 1));
}
