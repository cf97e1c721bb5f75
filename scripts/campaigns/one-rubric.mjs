// 170,000 candidates under one rubric through the embedded engine, with two `kill -9` and one Ctrl-C on the way, each
// resumed; every answer compared with the truth. About 20 minutes on two cores.
//   node scripts/campaigns/one-rubric.mjs [--count 170000]
import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runSession } from './sessions.mjs';
import { startCampaign } from './start-campaign.mjs';

const { values } = parseArgs({ options: { count: { type: 'string', default: '170000' } } });
const count = Number(values.count);
const { folder, input, output, check, finish } = await startCampaign('one-rubric', count);
const plan = [
  { args: ['run', input], endAt: Math.floor(count * 0.25), signal: 'SIGKILL' },
  { args: ['resume', output], endAt: Math.floor(count * 0.5), signal: 'SIGINT' },
  { args: ['resume', output], endAt: Math.floor(count * 0.75), signal: 'SIGKILL' },
  { args: ['resume', output, '--json'], endAt: null },
];
const sessions = [];
for (const { args, ...end } of plan) {
  const { summary, notes: _notes, ...session } = await runSession(args, { ...end, cwd: folder });
  const command = `llmbatch ${args.join(' ').replaceAll(`${folder}/`, '')}`;
  sessions.push({ command, ended_by: end.endAt === null ? null : end.signal, ...session });
  console.error(JSON.stringify(sessions.at(-1)));
  if (summary !== null) sessions.at(-1).summary = { ...summary, output: 'candidates.results.jsonl' };
}
const checked = check();
const seconds = sessions.reduce((sum, session) => sum + session.seconds, 0);
const { tokens } = sessions.at(-1).summary;
const mib = (bytes) => Math.round(bytes / 2 ** 20);
const whole = {
  seconds: Math.round(seconds),
  requests_per_second: Math.round((count / seconds) * 10) / 10,
  prompt_tokens: tokens.prompt,
  completion_tokens: tokens.completion,
  cached_share: tokens.cache_hit_rate,
  peak_runner_mib: mib(Math.max(...sessions.map(({ peakBytes }) => peakBytes.runner))),
  peak_engine_mib: mib(Math.max(...sessions.map(({ peakBytes }) => peakBytes.engine))),
  input_mb: Math.round(statSync(input).size / 1e6),
  output_mb: Math.round(statSync(output).size / 1e6),
};
finish({ requests: count, check: checked, sessions, whole }, `node scripts/campaigns/one-rubric.mjs --count ${count}`);
console.log(JSON.stringify({ check: checked, ...whole }));
