// What one driver carries: candidates through two and eight actors with the fake vllm package, which answers at once, beside the
// same worker without Ray. CPU seconds of the driver and of the runner say what each could do with a core of its own. About 5 minutes.
//   node scripts/campaigns/ray-speed.mjs --python PYTHON [--count 30000]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cpuSeconds, fakeNodes, ourProcesses, startCluster } from './ray-cluster.mjs';
import { runSession } from './sessions.mjs';
import { median, startCampaign } from './start-campaign.mjs';

const { values } = parseArgs({ options: { python: { type: 'string' }, count: { type: 'string', default: '30000' } } });
const count = Number(values.count);
const rounds = 3;
const environment = fakeNodes({ FAKE_VLLM_PLATFORM: 'cpu' });
const { folder, input, check, finish } = await startCampaign('ray-speed', count);
const results = [];
Object.assign(process.env, environment, { PYTHONDONTWRITEBYTECODE: '1' });
await measure('the worker without Ray', []);
const cluster = await startCluster({ python: values.python, environment, gpus: 4 });
await cluster.addNode();
for (const actors of [2, 8])
  await measure(`${actors} actors`, ['--ray', cluster.address, '--replicas', `${actors}-${actors}`]);
cluster.end();
finish({ count, results }, `node scripts/campaigns/ray-speed.mjs --python PYTHON --count ${count}`);

async function measure(what, flags) {
  const measured = [];
  for (let round = 0; round < rounds; round++) measured.push(await oneRun(flags));
  const of = (key) => median(measured.map(({ [key]: value }) => value));
  results.push({
    what,
    requests_per_second: of('requests_per_second'),
    requests_per_driver_cpu_second: of('requests_per_driver_cpu_second'),
    requests_per_runner_cpu_second: of('requests_per_runner_cpu_second'),
    rounds: measured,
  });
  console.error(JSON.stringify(results.at(-1)));
}

/** Only what is used between the first and the last look counts: the start is no part of the rate. */
async function oneRun(flags) {
  const looks = [];
  const onDone = (done) => {
    const runner = childOf(process.pid);
    const driver = ourProcesses().find(({ command }) => command.includes('ray_driver.py'))?.pid ?? null;
    looks.push({ done, runner: cpuSeconds(runner), driver: driver === null ? null : cpuSeconds(driver) });
  };
  const args = ['run', input, '-b', 'vllm', '-m', 'fake', '--python', values.python, '--json', '--overwrite', ...flags];
  const { exitCode, summary } = await runSession(args, { cwd: folder, onDone });
  const [first, last] = [looks.find(({ done }) => done > 0), looks.findLast(({ runner }) => runner !== null)];
  const per = (key) =>
    last[key] === null || first[key] === null ? null : Math.round((last.done - first.done) / (last[key] - first[key]));
  return {
    exit_code: exitCode,
    right: check().right,
    requests_per_second: Math.round(summary.overall_rate),
    requests_per_driver_cpu_second: per('driver'),
    requests_per_runner_cpu_second: per('runner'),
  };
}

/** The newest process that this one started. */
function childOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number).at(-1);
}
