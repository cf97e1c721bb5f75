// A Ray cluster of raylets on this machine, each of which stands for a node. Ends only what it started: `ray stop` would end every
// Ray process of the machine.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.mjs';

const fakeVllm = fileURLToPath(new URL('../../test/fake-vllm', import.meta.url));

/** A variable of all processes that this campaign starts: others may have a cluster on this machine too. */
const mark = ['LLMBATCH_RAY_CAMPAIGN', randomUUID()];

/**
 * Starts the head of a cluster. `python`: has Ray. `environment`: variables of its nodes. The cluster wants a token, which is put
 * into the environment of this program too.
 */
export async function startCluster({ python, environment = {}, gpus = 1 }) {
  const folder = mkdtempSync(join(tmpdir(), 'ray-'));
  const port = await freePort();
  const token = { RAY_AUTH_MODE: 'token', RAY_AUTH_TOKEN: '0123456789abcdef'.repeat(2) };
  Object.assign(process.env, token, Object.fromEntries([mark]));
  const nodes = [];
  const start = async (...args) => {
    const ray = join(dirname(python), 'ray');
    const common = ['--num-cpus=2', `--num-gpus=${gpus}`, '--object-store-memory=100000000', '--disable-usage-stats'];
    const env = { ...process.env, ...environment, PYTHONDONTWRITEBYTECODE: '1' };
    const child = spawn(ray, ['start', ...args, '--node-ip-address=127.0.0.1', ...common], {
      env,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // What `ray start` leaves is in its group, also where it fails.
    const node = {
      processes: () => allProcesses().filter(({ group }) => group === child.pid),
      end: () => endGroup(child.pid),
    };
    nodes.push(node);
    let said = '';
    child.stderr.on('data', (text) => (said += text));
    const [code] = await once(child, 'exit');
    child.stderr.destroy();
    if (code !== 0) throw new Error(`ray start: ${code}\n${said}`);
    return node;
  };
  const end = () => {
    for (const node of nodes.splice(0)) node.end();
    rmSync(folder, { recursive: true, force: true });
  };
  // Also where the campaign fails, or is ended.
  process.on('exit', end);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => process.exit(1));
  const ports = [
    `--port=${port}`,
    `--dashboard-port=${await freePort()}`,
    `--ray-client-server-port=${await freePort()}`,
  ];
  const head = await start('--head', ...ports, '--include-dashboard=false', `--temp-dir=${folder}`);
  return {
    address: `127.0.0.1:${port}`,
    head,
    addNode: () => start(`--address=127.0.0.1:${port}`),
    end,
  };
}

/** A cluster of two nodes. */
export async function startTwoNodes(settings) {
  const cluster = await startCluster(settings);
  await cluster.addNode();
  return cluster;
}

/** Variables with which the nodes find the fake vllm package; test/fake-vllm/vllm/fake/settings.py says what they do. */
export const fakeNodes = (changes = {}) => ({
  PYTHONPATH: fakeVllm,
  FAKE_VLLM_PLATFORM: 'cuda',
  FAKE_VLLM_STEP_MS: '0',
  ...changes,
});

/** Actors, and the groups of workers, that were seen: Ray and vLLM write names over the environment of their processes. */
const actors = new Set();
const groups = new Set();

/** Our own processes in this campaign's clusters: the driver, the actors, and the workers with what they started. */
export function ourProcesses() {
  const all = allProcesses();
  const marked = all.filter(({ pid }) => read(pid, 'environ').split('\0').includes(mark.join('=')));
  const idsOf = (pattern) => marked.filter(({ command }) => pattern.test(command)).map(({ pid }) => pid);
  const [drivers, raylets] = [/ray_driver\.py/, /\/raylet /].map(idsOf);
  for (const pid of idsOf(/llmbatch-[\w-]+\/worker\.py/)) groups.add(pid);
  const shells = all.filter(({ command }) => command.startsWith('ray::Shell'));
  for (const { pid, parent } of shells) if (raylets.includes(parent)) actors.add(pid);
  const isActor = (process) => shells.includes(process) && actors.has(process.pid);
  return all.filter((each) => drivers.includes(each.pid) || groups.has(each.group) || isActor(each));
}

/** Ends the last process whose command matches, which is not the head's where all raylets are asked. */
export function endProcess(processes, pattern, signal = 'SIGKILL') {
  const victim = processes.findLast(({ command }) => pattern.test(command));
  if (victim === undefined) throw new Error(`nothing is ${pattern}`);
  process.kill(victim.pid, signal);
}

/** For `onDone` of a session: does the task when so many requests are done. */
export function whenDone(count, task) {
  let isBegun = false;
  return (done) => {
    if (done < count || isBegun) return;
    isBegun = true;
    void task();
  };
}

/** CPU seconds of a process, all of its threads; null where it is gone. A tick is a hundredth of a second. */
export function cpuSeconds(pid) {
  const fields = read(pid, 'stat').split(') ').at(-1).split(' ');
  return fields.length > 12 ? (Number(fields[11]) + Number(fields[12])) / 100 : null;
}

/** What is recorded of the sessions of a run; places that are `{NAME: path}` are told by their names. */
export const describeSessions = (sessions, places) => ({
  seconds: sessions.map(({ seconds }) => Math.round(seconds)),
  requests_per_second: sessions.map(({ summary }) => summary?.overall_rate ?? null),
  notes: sessions.flatMap(({ notes }) => notes).map((note) => withoutPlaces(note, places)),
});

/** A text without this machine's paths and addresses: `names` has a name for each path. */
function withoutPlaces(text, names) {
  const named = Object.entries(names).reduce((rest, [name, path]) => rest.replaceAll(path, name), text);
  return named.replaceAll(/\b\d+\.\d+\.\d+\.\d+\b/g, 'NODE');
}

function endGroup(group) {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // There is nothing left in it.
  }
}

function allProcesses() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      const [, parent, group] = read(pid, 'stat').split(') ').at(-1)?.split(' ') ?? [];
      const command = read(pid, 'cmdline').replaceAll('\0', ' ').trim();
      return { pid: Number(pid), parent: Number(parent), group: Number(group), command };
    })
    .filter(({ command }) => command !== '');
}

/** A file of a process under /proc; empty where it is gone. */
export function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
