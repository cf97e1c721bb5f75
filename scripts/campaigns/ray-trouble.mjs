// Trouble on a Ray cluster of two raylets: each kind of process killed or stopped in the middle of a run. Each must heal, or be
// resumed, with each id once and every answer as expected, and leave no process. About 10 minutes.
//   node scripts/campaigns/ray-trouble.mjs --python PYTHON [--model FOLDER] [--count N] [--only NAME,NAME]
// PYTHON has Ray; with --model it has vLLM too, and the model tiny-scorer is in FOLDER. Else the nodes have the fake vllm package.
// N requests in each run, and four times as many where a node joins or the head is lost, which the others must outlast.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  endProcess,
  fakeNodes,
  ourProcesses,
  read,
  startTwoNodes,
  whenDone,
  describeSessions,
} from './ray-cluster.mjs';
import { runSession } from './sessions.mjs';
import { checkAnswers, startCampaign } from './start-campaign.mjs';
import { secondsUntilGone, vllmEngine } from './vllm-engine.mjs';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    model: { type: 'string' },
    count: { type: 'string' },
    only: { type: 'string' },
  },
});
const { python, model } = values;
const real = model === undefined ? null : vllmEngine(values);
const flags = real?.flags ?? ['-b', 'vllm', '-m', 'fake/tiny-scorer', '--python', python];
const environment = real === null ? fakeNodes({ FAKE_VLLM_STEP_MS: '60' }) : { VLLM_ENABLE_V1_MULTIPROCESSING: '1' };
const count = Number(values.count ?? (real === null ? 8000 : 3000));
const {
  folder,
  input: all,
  finish,
} = await startCampaign(real === null ? 'ray-trouble' : 'ray-real-trouble', 4 * count);
const input = join(folder, 'fewer.jsonl');
writeFileSync(input, `${readFileSync(all, 'utf8').split('\n').slice(0, count).join('\n')}\n`);
const output = join(folder, 'results.jsonl');
const middle = Math.floor(count / 4);
const results = [];
const shell = /^ray::Shell/;
const worker = /llmbatch-[\w-]+\/worker\.py/;
const core = /VLLM::EngineCore|multiprocessing/;

const scenarios = {
  async nothing() {
    await judge('no trouble', [await run()]);
  },
  actor: () => kill('an actor', shell),
  worker: () => kill('a worker', worker),
  core: () => kill("vLLM's core", core),
  driver: () => kill('the driver', /ray_driver\.py/),
  raylet: () =>
    withNode(async (node) => {
      await judge('a raylet killed by -9', [
        await run({ onDone: whenDone(middle, () => endProcess(node.processes(), /\/raylet /)) }),
      ]);
    }),
  hanging: () => kill('a worker stopped (SIGSTOP)', worker, 'SIGSTOP', ['--stall-timeout', '10s']),
  async runner() {
    const first = await run({ endAt: middle });
    const gone = await secondsUntilGone(ourProcesses);
    await judge('the runner killed by -9, then resumed', [first, await resume()], { seconds_until_no_process: gone });
  },
  async interrupted() {
    const first = await run({ endAt: middle, signal: 'SIGINT' });
    const gone = await secondsUntilGone(ourProcesses);
    await judge('Ctrl-C, then resumed', [first, await resume()], { seconds_until_no_process: gone });
  },
  async memory() {
    if (real !== null) return;
    const session = await run({}, ['--option', `ray_python=${faulty('oom:200')}`]);
    await judge('engines that run out of memory at 200 requests', [session]);
  },
  async late() {
    let node;
    const kilobytes = {};
    const addNode = whenDone(middle, async () => (node = await cluster.addNode()));
    const onDone = (done) => {
      addNode(done);
      noteAnswers(kilobytes);
    };
    const session = await run({ onDone }, ['--replicas', '1-3'], all);
    const more = { kilobytes_written_by_each_worker: Object.values(kilobytes) };
    await judge('a third raylet that joins in the middle, --replicas 1-3', [session], more, all);
    node?.end();
  },
  async head() {
    const first = await run({ onDone: whenDone(middle, () => cluster.head.end()) }, [], all);
    const gone = await secondsUntilGone(ourProcesses);
    cluster.end();
    cluster = await newCluster();
    const again = await runSession(['resume', output, '--json', '--ray', cluster.address], { cwd: folder });
    await judge(
      'the head killed by -9, then resumed on another cluster',
      [first, again],
      {
        seconds_until_no_process: gone,
      },
      all,
    );
  },
};

let cluster = await newCluster();
try {
  for (const [name, scenario] of Object.entries(scenarios))
    if (values.only === undefined || values.only.split(',').includes(name)) await scenario();
} finally {
  cluster.end();
}
finish(
  { count, results },
  `node scripts/campaigns/ray-trouble.mjs --python PYTHON${real === null ? '' : ` --model FOLDER --count ${count}`}`,
);

function newCluster() {
  return startTwoNodes({ python, environment });
}

/** With a node that is there for one scenario. */
async function withNode(task) {
  const node = await cluster.addNode();
  await task(node);
  node.end();
}

async function kill(what, pattern, signal = 'SIGKILL', more = []) {
  const onDone = whenDone(middle, () => endProcess(ourProcesses(), pattern, signal));
  const how = signal === 'SIGKILL' ? `${what} killed by -9` : what;
  await judge(how, [await run({ onDone }, more)]);
}

function run(watch = {}, more = [], lines = input) {
  const args = ['run', lines, '-o', output, ...flags, '--ray', cluster.address, '--json', '--overwrite', ...more];
  return runSession(args, { cwd: folder, ...watch });
}

function resume() {
  return runSession(['resume', output, '--json'], { cwd: folder });
}

/** A Python whose vLLM has this fault. */
function faulty(fault) {
  const path = join(folder, `python-${fault.replace(':', '-')}`);
  writeFileSync(path, `#!/bin/sh\nFAKE_VLLM_FAULT=${fault} exec ${python} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** What each worker has written, by its process: its answers, and a few lines of its log. */
function noteAnswers(kilobytes) {
  for (const { pid, command } of ourProcesses()) {
    if (!command.includes('worker.py')) continue;
    const bytes = /^wchar: (\d+)/m.exec(read(pid, 'io'))?.[1];
    if (bytes !== undefined) kilobytes[pid] = Math.round(Number(bytes) / 1024);
  }
}

async function judge(what, sessions, more = {}, lines = input) {
  const { right, wrong, failed, unchecked, missing, repeated } = checkAnswers(lines, output);
  const places = { FOLDER: folder, PYTHON: python, ...(model && { MODEL: model }) };
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
    seconds_until_no_process_at_the_end: await secondsUntilGone(ourProcesses),
    ...describeSessions(sessions, places),
  });
  console.error(JSON.stringify(results.at(-1), null, 1));
}
