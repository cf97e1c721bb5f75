// What the driver of a Ray cluster takes for each request, without runner and engine: lines of 500 bytes at fixed rates to actors
// whose worker is `cat`. CPU seconds are those of the driver alone. Several drivers are measured in turns, so that what else the
// machine does hits all of them. About 3 minutes.
//   node scripts/campaigns/ray-pipe.mjs --python PYTHON [--driver FILE]... [--actors 2,8,32] [--rates 700,5000] [--seconds 10]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cpuSeconds, startCluster } from './ray-cluster.mjs';
import { median, startCampaign } from './start-campaign.mjs';

const ours = fileURLToPath(new URL('../../src/backends/vllm/python/ray_driver.py', import.meta.url));
const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    driver: { type: 'string', multiple: true, default: [ours] },
    actors: { type: 'string', default: '2,8,32' },
    rates: { type: 'string', default: '700,5000' },
    seconds: { type: 'string', default: '10' },
  },
});
const rounds = 3;
const [actorCounts, rates] = [values.actors, values.rates].map((list) => list.split(',').map(Number));
const { folder, finish } = await startCampaign('ray-pipe', 1);
const echo = join(folder, 'echo');
writeFileSync(echo, '#!/bin/sh\nexec cat\n');
chmodSync(echo, 0o755);
const order = JSON.stringify({ gpus: 1, python: echo, variables: { handed: {}, fixed: {} } });
const filling = 'x'.repeat(430);
const cluster = await startCluster({ python: values.python, gpus: 128 });
const results = [];
for (const actors of actorCounts) {
  const drivers = [];
  for (const file of values.driver) drivers.push(await startDriver(file, actors));
  for (const rate of rates) {
    for (let round = 0; round < rounds; round++) for (const driver of drivers) await driver.measure(rate);
    results.push(...drivers.map((driver, index) => ({ actors, rate, driver: index + 1, ...driver.summary() })));
    for (const row of results.slice(-drivers.length)) console.error(JSON.stringify(row));
  }
  for (const driver of drivers) await driver.end();
}
cluster.end();
finish({ results }, 'node scripts/campaigns/ray-pipe.mjs --python PYTHON');

/** A driver whose actors are all there. */
async function startDriver(file, actors) {
  const child = spawn(values.python, [file], {
    env: { ...process.env, LLMBATCH_RUNNER_PID: String(process.pid), PYTHONUNBUFFERED: '1' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const placed = [];
  let [measured, times] = [[], []];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, word, sentAt] = /^\d+ (\w+) (?:{"at":([\d.]+))?/.exec(line) ?? [];
    if (word === 'placed') placed.push(line);
    if (sentAt !== undefined) times.push(performance.now() - Number(sentAt));
  });
  child.stdin.write(`0 line ${JSON.stringify({ type: 'open', settings: { address: cluster.address } })}\n`);
  for (let actor = 1; actor <= actors; actor++) child.stdin.write(`${actor} start ${order}\n`);
  while (placed.length < actors) await wait(50);
  return {
    /** Sends to all actors in turn for so many seconds, and waits for the last answer. */
    async measure(rate) {
      const [from, cpu, count] = [performance.now(), cpuSeconds(child.pid), Number(values.seconds) * rate];
      times = [];
      for (let sent = 0; sent < count; await wait(2)) {
        let lines = '';
        for (const due = Math.min(count, ((performance.now() - from) / 1000) * rate); sent < due; sent++)
          lines += `${(sent % actors) + 1} line {"at":${performance.now()},"text":"${filling}"}\n`;
        if (!child.stdin.write(lines)) await once(child.stdin, 'drain');
      }
      while (times.length < count) await wait(2);
      const [took, used] = [(performance.now() - from) / 1000, cpuSeconds(child.pid) - cpu];
      measured.push({
        requests_per_second: Math.round(count / took),
        driver_cores: Number((used / took).toFixed(3)),
        requests_per_driver_cpu_second: Math.round(count / used),
        milliseconds_there_and_back: Math.round(median(times)),
      });
    },
    /** The medians of what was measured since the last one. */
    summary() {
      const [list, keys] = [measured, Object.keys(measured[0])];
      measured = [];
      return { ...Object.fromEntries(keys.map((key) => [key, median(list.map((each) => each[key]))])), rounds: list };
    },
    async end() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
