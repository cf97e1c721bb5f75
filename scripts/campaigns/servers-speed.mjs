// Two, three and five servers of unlike speed in one run, against the sum of what each does alone, on stubs: requests a second from
// the first request to the last answer, and for how long each server had nothing to do at the end.
//   node scripts/campaigns/servers-speed.mjs [--slower 1] [--seconds 30] [--kind llamacpp]
// `--slower 5`: each answer takes five times as long, for a machine that is busy.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { environment } from './environment.mjs';
import { runSession } from './sessions.mjs';
import { checkAnswers, startCampaign } from './start-campaign.mjs';
import { flagsOf, startStub } from './stub-servers.mjs';

const { values } = parseArgs({
  options: {
    slower: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '30' },
    kind: { type: 'string', default: 'llamacpp' },
  },
});
const slower = Number(values.slower);
const kinds = [
  { ms: 20, slots: 4 },
  { ms: 50, slots: 8 },
  { ms: 5, slots: 1 },
  { ms: 20, slots: 2 },
  { ms: 50, slots: 4 },
].map(({ ms, slots }) => ({ ms: ms * slower, slots, kind: values.kind }));
const rateOf = ({ ms, slots }) => (slots * 1000) / ms;
const groups = [[0], [1], [2], [3], [4], [0, 1], [0, 1, 2], [0, 1, 2, 3, 4]];

const results = [];
for (const group of groups) {
  results.push(await measure(group));
  console.error(JSON.stringify(results.at(-1)));
}
for (const result of results) {
  const alone = result.servers.map((server) => results[server].rate).reduce((sum, rate) => sum + rate, 0);
  result.of_the_sum = round(result.rate / alone);
}
const target = fileURLToPath(new URL('../../bench-results/2026-11-30-servers/', import.meta.url));
mkdirSync(target, { recursive: true });
const command = `node scripts/campaigns/servers-speed.mjs ${process.argv.slice(2).join(' ')}`.trim();
writeFileSync(
  join(target, `speed-${values.kind}.json`),
  `${JSON.stringify({ ...environment(command), stubs: kinds, results }, null, 2)}\n`,
);
for (const result of results) console.log(JSON.stringify(result));

async function measure(group) {
  const stubs = await Promise.all(group.map((server) => startStub(kinds[server])));
  const count = Math.round(stubs.map(rateOf).reduce((sum, rate) => sum + rate, 0) * Number(values.seconds));
  const { input, folder } = await startCampaign('servers', count);
  const path = join(folder, 'in.jsonl');
  copyFileSync(input, path);
  const { exitCode } = await runSession(['run', path, ...flagsOf(stubs), '--json'], { cwd: folder });
  for (const stub of stubs) stub.end();
  const output = join(folder, 'in.results.jsonl');
  const { right } = checkAnswers(path, output);
  const answers = readFileSync(output, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).llmbatch)
    .map(({ server, started_at: startedAt, latency_ms: latencyMs }) => ({
      server: server ?? stubs[0].name,
      start: Date.parse(startedAt),
      end: Date.parse(startedAt) + latencyMs,
    }));
  const ofServer = stubs.map(({ name }) => answers.filter(({ server }) => server === name));
  const [start, end] = [minOf(answers, 'start'), maxOf(answers, 'end')];
  rmSync(folder, { recursive: true });
  return {
    servers: group,
    exit_code: exitCode,
    ...{ requests: count, right, by_server: ofServer.map(({ length }) => length) },
    seconds: round((end - start) / 1000),
    rate: round((count * 1000) / (end - start)),
    idle_at_the_end: ofServer.map((own) => round((end - maxOf(own, 'end')) / (end - start))),
  };
}

function minOf(answers, key) {
  return answers.reduce((min, answer) => Math.min(min, answer[key]), Infinity);
}

function maxOf(answers, key) {
  return answers.reduce((max, answer) => Math.max(max, answer[key]), -Infinity);
}

function round(value) {
  return Math.round(value * 1000) / 1000;
}
