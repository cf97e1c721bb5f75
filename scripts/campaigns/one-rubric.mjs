// 170,000 candidates under one rubric through the embedded engine, with two `kill -9` and one Ctrl-C on the way, each
// resumed; every answer compared with the truth. About 20 minutes on two cores.
//   node scripts/campaigns/one-rubric.mjs [--count 170000] [--name 2026-11-22-one-rubric]
import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { environment } from './environment.mjs';
import { runSession } from './sessions.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '170000' },
    name: { type: 'string', default: `${new Date().toISOString().slice(0, 10)}-one-rubric` },
  },
});
const count = Number(values.count);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'one-rubric-'));
const input = join(folder, 'candidates.jsonl');
const output = join(folder, 'candidates.results.jsonl');

const maker = spawn(process.execPath, [
  here('../make-candidates.mjs'),
  '--count',
  values.count,
  '--seed',
  '1',
  '--systems',
  '1',
]);
maker.stdout.pipe(createWriteStream(input));
await once(maker, 'close');

const plan = [
  { args: ['run', input], endAt: Math.floor(count * 0.25), signal: 'SIGKILL' },
  { args: ['resume', output], endAt: Math.floor(count * 0.5), signal: 'SIGINT' },
  { args: ['resume', output], endAt: Math.floor(count * 0.75), signal: 'SIGKILL' },
  { args: ['resume', output, '--json'], endAt: null },
];
const sessions = [];
for (const { args, ...end } of plan) {
  const { summary, ...session } = await runSession(args, { ...end, cwd: folder });
  const command = `llmbatch ${args.join(' ').replaceAll(`${folder}/`, '')}`;
  sessions.push({ command, ended_by: end.endAt === null ? null : end.signal, ...session });
  console.error(JSON.stringify(sessions.at(-1)));
  if (summary !== null) sessions.at(-1).summary = { ...summary, output: 'candidates.results.jsonl' };
}
const check = JSON.parse(
  execFileSync(process.execPath, [here('../check-answers.mjs'), '--json', input, output], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .at(-1),
);
const seconds = sessions.reduce((sum, session) => sum + session.seconds, 0);
const last = sessions.at(-1).summary;
const result = {
  requests: count,
  check,
  sessions,
  whole: {
    seconds: Math.round(seconds),
    requests_per_second: Math.round((count / seconds) * 10) / 10,
    prompt_tokens: last.tokens.prompt,
    completion_tokens: last.tokens.completion,
    cached_share: last.tokens.cache_hit_rate,
    peak_runner_mib: Math.round(Math.max(...sessions.map(({ peakBytes }) => peakBytes.runner)) / 2 ** 20),
    peak_engine_mib: Math.round(Math.max(...sessions.map(({ peakBytes }) => peakBytes.engine)) / 2 ** 20),
    input_mb: Math.round(statSync(input).size / 1e6),
    output_mb: Math.round(statSync(output).size / 1e6),
  },
};
const target = here(`../../bench-results/${values.name}`);
mkdirSync(target, { recursive: true });
writeFileSync(join(target, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
writeFileSync(
  join(target, 'environment.json'),
  `${JSON.stringify(environment(`node scripts/campaigns/one-rubric.mjs --count ${count}`), null, 2)}\n`,
);
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ check, ...result.whole }));
