// What the pipe itself costs: 1,000,000 lines through the mock engine at zero latency, fsync on; `validate`; the time to
// the first request; the resume scan. Three rounds, medians. About 8 minutes, 2.5 GB of disk.
//   node scripts/campaigns/million.mjs [--count 1000000] [--rounds 3] [--name 2026-11-22-million]
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createInputScan } from '../../dist/input/scan-input.js';
import { readLineBlocks } from '../../dist/core/read-lines.js';
import { loadResults } from '../../dist/journal/load-results.js';
import { environment } from './environment.mjs';
import { bin, runSession } from './sessions.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    name: { type: 'string', default: `${new Date().toISOString().slice(0, 10)}-million` },
  },
});
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'million-'));
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
const inputMb = statSync(input).size / 1e6;
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
const check = JSON.parse(
  execFileSync(process.execPath, [here('../check-answers.mjs'), '--json', input, output], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .at(-1),
);
const median = (key) => rounds.map((round) => round[key]).toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)];
const medians = Object.fromEntries(Object.keys(rounds[0]).map((key) => [key, Math.round(median(key) * 100) / 100]));
const result = {
  requests: Number(values.count),
  input_mb: Math.round(inputMb),
  output_mb: Math.round(statSync(output).size / 1e6),
  check,
  medians,
  rounds,
};
const target = here(`../../bench-results/${values.name}`);
mkdirSync(target, { recursive: true });
writeFileSync(join(target, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
writeFileSync(
  join(target, 'environment.json'),
  `${JSON.stringify(environment(`node scripts/campaigns/million.mjs --count ${values.count} --rounds ${values.rounds}`), null, 2)}\n`,
);
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ check, ...medians }));

/** From the start of the process to the line that says the mode, which comes right before the first request. */
async function timeToFirstRequest() {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [bin, ...runArgs, '--progress', 'none'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
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
  const scan = createInputScan({
    defaults: { model: null, system: null, template: null, parameters: {} },
    limit: null,
    linesBefore: 0,
  });
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
