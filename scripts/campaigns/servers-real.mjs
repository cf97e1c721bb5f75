// Real servers in one run, against the sum of what each does alone: requests a second from the first request to the last answer, and
// for how long each server had nothing to do at the end. The servers run already.
//   node scripts/campaigns/servers-real.mjs NAME INPUT FLAG ADDRESS ADDRESS... -- [any flags of `llmbatch run`]
// FLAG is --base-url or --host.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.mjs';
import { runSession } from './sessions.mjs';

const args = process.argv.slice(2);
const [name, input, flag, ...addresses] = args.slice(0, args.indexOf('--'));
const flags = args.slice(args.indexOf('--') + 1);
const round = (value) => Math.round(value * 1000) / 1000;

const results = [];
// Alone before and after, so that a drift of the machine hits all alike.
for (const group of [...addresses.map((one) => [one]), addresses, ...addresses.toReversed().map((one) => [one])]) {
  results.push(await measure(group));
  console.error(JSON.stringify(results.at(-1)));
}
const rateOf = (address) => {
  const rates = results.filter(({ servers }) => servers.length === 1 && servers[0] === addresses.indexOf(address));
  return rates.reduce((sum, { rate }) => sum + rate, 0) / rates.length;
};
const together = results.find(({ servers }) => servers.length === addresses.length);
const ofTheSum = round(together.rate / addresses.map(rateOf).reduce((sum, rate) => sum + rate, 0));
const target = fileURLToPath(new URL('../../bench-results/2026-11-30-servers/', import.meta.url));
mkdirSync(target, { recursive: true });
const command = `node scripts/campaigns/servers-real.mjs ${name} INPUT ${flag} ADDRESSES -- ${flags.join(' ')}`;
const result = { ...environment(command), of_the_sum: ofTheSum, results };
writeFileSync(join(target, `real-${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
console.log(JSON.stringify({ name, ofTheSum }));

async function measure(group) {
  const folder = mkdtempSync(join(tmpdir(), 'servers-real-'));
  const output = join(folder, 'results.jsonl');
  const given = group.flatMap((address) => [flag, address]);
  const { exitCode, summary } = await runSession(['run', input, '-o', output, ...given, ...flags, '--json'], {});
  const answers = readFileSync(output, 'utf8').trim().split('\n').map(readAnswer);
  rmSync(folder, { recursive: true });
  const start = Math.min(...answers.map((answer) => answer.start));
  const end = Math.max(...answers.map((answer) => answer.end));
  const seconds = (end - start) / 1000;
  const names = [...new Set(answers.map(({ server }) => server))];
  const shares = names.map((server) => {
    const own = answers.filter((answer) => answer.server === server);
    const idle = (end - Math.max(...own.map((answer) => answer.end))) / 1000;
    return { answered: own.length, idle_at_the_end: round(idle / seconds) };
  });
  const servers = group.map((address) => addresses.indexOf(address));
  return {
    servers,
    exitCode,
    requests: summary.done,
    seconds: round(seconds),
    rate: round(answers.length / seconds),
    shares,
  };
}

function readAnswer(line) {
  const { llmbatch } = JSON.parse(line);
  const start = Date.parse(llmbatch.started_at);
  return { server: llmbatch.server ?? 'the only one', start, end: start + llmbatch.latency_ms };
}
