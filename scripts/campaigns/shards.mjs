// One input in three shards on the mock engine at zero latency, fsync on: the second is killed by `kill -9` in the middle and
// started again by the same command; the merge of them against the input: each id once, right, in order. Peak memory as
// /usr/bin/time tells it. About 3 minutes.
//   node scripts/campaigns/shards.mjs [--count 300000]
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { shardOf } from '../../dist/data/shard.js';
import { bin } from './sessions.mjs';
import { startCampaign } from './start-campaign.mjs';

const { values } = parseArgs({ options: { count: { type: 'string', default: '300000' } } });
const count = Number(values.count);
const { folder, input, output, check, finish } = await startCampaign('shards', count);
const shards = [1, 2, 3];
const runArgs = ['run', input, '-b', 'mock', '--option', 'answer=score', '--workers', '64', '--progress', 'none'];
const argsOf = (shard) => [...runArgs, '--shard', `${shard}/3`];
const outputOf = (shard) => join(folder, `candidates.results.${shard}-of-3.jsonl`);

const whole = timed([...runArgs, '-o', join(folder, 'whole.jsonl')]);
const runs = [];
for (const shard of shards) {
  const killedAt = shard === 2 ? await killed(shard, Math.floor(count / 6)) : null;
  runs.push({ shard, ...(killedAt === null ? {} : { killed_at: killedAt }), ...timed(argsOf(shard)) });
  console.error(JSON.stringify(runs.at(-1)));
}
const mergeArgs = (...these) => ['merge', ...these.map(outputOf), '--overwrite', '-o', output];
const withoutOne = timed(mergeArgs(1, 3));
const merge = timed(mergeArgs(3, 1, 2));
const result = {
  requests: count,
  whole,
  runs,
  merge_without_shard_2: withoutOne,
  merge: { ...merge, output_mb: Math.round(statSync(output).size / 1e6) },
  in_order: await isInOrder(),
  check: check(),
  hash_170000_ids_cpu_seconds: hashCpuSeconds(),
};
finish(result, `node scripts/campaigns/shards.mjs --count ${values.count}`);
console.log(JSON.stringify(result));

/** Runs a command to its end. */
function timed(args) {
  const notes = join(folder, 'time.txt');
  const words = ['-f', '%e %U %S %M', '-o', notes, process.execPath, bin, ...args];
  const { status, stderr } = spawnSync('/usr/bin/time', words, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const [seconds, user, system, kib] = readFileSync(notes, 'utf8').trim().split('\n').at(-1).split(' ').map(Number);
  const told = stderr.replaceAll(`${folder}/`, '').trim().split('\n').filter(Boolean);
  const cpuSeconds = Math.round((user + system) * 100) / 100;
  return { exit_code: status, seconds, cpu_seconds: cpuSeconds, peak_mib: Math.round(kib / 1024), told };
}

/** Starts a shard, and kills it once so many of its results are on disk. Returns how many there were. */
async function killed(shard, after) {
  const child = spawn(process.execPath, [bin, ...argsOf(shard)], { cwd: folder, stdio: 'ignore' });
  const closed = once(child, 'close');
  while ((await linesIn(outputOf(shard))) < after) await sleep(50);
  child.kill('SIGKILL');
  await closed;
  return linesIn(outputOf(shard));
}

async function linesIn(path) {
  let lines = 0;
  try {
    for await (const chunk of createReadStream(path)) for (const byte of chunk) lines += Number(byte === 10);
  } catch {
    // The run has not made it yet.
  }
  return lines;
}

/** Whether the results have the ids of the input, line by line. */
async function isInOrder() {
  const asked = idsOf(input);
  const answered = idsOf(output);
  for (;;) {
    const [one, other] = [await asked.next(), await answered.next()];
    if (one.done === true || other.done === true) return one.done === other.done;
    if (one.value !== other.value) return false;
  }
}

async function* idsOf(path) {
  for await (const line of createInterface({ input: createReadStream(path) })) yield JSON.parse(line).custom_id;
}

function hashCpuSeconds() {
  const before = process.cpuUsage();
  for (let number = 0; number < 170_000; number++) shardOf(`candidate-${String(number).padStart(6, '0')}`, 3);
  const { user, system } = process.cpuUsage(before);
  return Math.round((user + system) / 1000) / 1000;
}
