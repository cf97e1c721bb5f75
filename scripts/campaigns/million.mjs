// What the pipe itself costs: 1,000,000 lines through the mock engine at zero latency, fsync on; `validate`; the time to
// the first request; the resume scan. Three rounds, medians. About 6 minutes, 2.5 GB of disk.
//   node scripts/campaigns/million.mjs [--count 1000000] [--rounds 3]
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { readLineBlocks } from '../../dist/files/read-lines.js';
import { createInputScan } from '../../dist/input/scan-input.js';
import { loadResults } from '../../dist/journal/load-results.js';
import { bin, runSession } from './sessions.mjs';
import { median, startCampaign } from './start-campaign.mjs';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '3' } },
});
const { folder, input, output, check, finish } = await startCampaign('million', values.count);
const runArgs = ['run', input, '-b', 'mock', '--option', 'answer=score', '--workers', '64', '--overwrite'];

const rounds = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const validate = JSON.parse(execFileSync(process.execPath, [bin, 'validate', input, '--json'], { encoding: 'utf8' }));
  const firstRequestSeconds = await timeToFirstRequest();
  const session = await runSession([...runArgs, '--json'], { cwd: folder });
  rounds.push({
    requests_per_second: session.summary.overall_rate,
    wall_seconds: session.seconds,
    peak_mib: session.peakBytes.runner / 2 ** 20,
    validate_mb_per_second: validate.megabytes_per_second,
    first_request_seconds: firstRequestSeconds,
    resume_scan_mb_per_second: await scanRate(),
  });
  console.error(JSON.stringify(rounds.at(-1)));
}
const checked = check();
const medians = Object.fromEntries(
  Object.keys(rounds[0]).map((key) => [key, Math.round(median(rounds.map((round) => round[key])) * 100) / 100]),
);
const sizes = { input_mb: Math.round(statSync(input).size / 1e6), output_mb: Math.round(statSync(output).size / 1e6) };
const command = `node scripts/campaigns/million.mjs --count ${values.count} --rounds ${values.rounds}`;
finish({ requests: Number(values.count), ...sizes, check: checked, medians, rounds }, command);
console.log(JSON.stringify({ check: checked, ...medians }));

/** From the start of the process to the line that says the mode, which comes right before the first request. */
async function timeToFirstRequest() {
  const startedAt = performance.now();
  const args = [bin, ...runArgs, '--progress', 'none', '--verbose'];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.startsWith('mode:')) break;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  child.kill('SIGKILL');
  await once(child, 'close');
  return seconds;
}

/** What a resume does before it goes on: reads the output, and notes for each row where its result lies. */
async function scanRate() {
  const defaults = { model: null, system: null, template: null, parameters: {} };
  const scan = createInputScan({ defaults, limit: null, linesBefore: 0 });
  const lines = await open(input);
  for await (const block of readLineBlocks(lines)) scan.add(block);
  await lines.close();
  const handle = await open(output);
  const { size } = await handle.stat();
  const startedAt = performance.now();
  await loadResults({ handle, path: output, size }, scan.table, () => undefined);
  const seconds = (performance.now() - startedAt) / 1000;
  await handle.close();
  return size / 1e6 / seconds;
}
