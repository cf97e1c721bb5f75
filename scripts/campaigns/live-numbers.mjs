// The live numbers of a run against what really came: every ten seconds the rates that are shown and the ETA, beside the
// tokens of the ten seconds after, of the minute before, and the true end. The truth is made of the results: the tokens of an
// answer spread evenly from its first token to its end, those of a prompt at its first token.
//   node scripts/campaigns/live-numbers.mjs NAME INPUT [any flags of `llmbatch run`]
import { readFileSync, mkdirSync, writeFileSync, mkdtempSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.mjs';
import { bin } from './sessions.mjs';
import { median } from './start-campaign.mjs';

const everySeconds = 10;
const [name, input, ...flags] = process.argv.slice(2);
const output = join(mkdtempSync(join(tmpdir(), 'live-numbers-')), 'results.jsonl');
const { samples, exitCode } = await watchRun();
const answers = readFileSync(output, 'utf8')
  .trim()
  .split('\n')
  .map(readAnswer)
  .filter((answer) => answer !== null);
// The clock of a run begins with its first request, behind the loading of the model.
const startedAt = Math.min(...answers.map(({ start }) => start));
const endedAt = Math.max(...answers.map(({ end }) => end));

const rows = [];
for (let at = startedAt + everySeconds * 1000; at < endedAt; at += everySeconds * 1000) {
  const shown = samples.findLast((sample) => sample.at <= at);
  rows.push({
    seconds: Math.round((at - startedAt) / 1000),
    done: shown.done,
    generation: {
      shown: shown.recent_generation_rate,
      next: rate('generated', at, at + 10_000),
      minute: minute('generated', at),
    },
    prompt: {
      shown: shown.recent_prompt_rate,
      next: rate('computed', at, at + 10_000),
      minute: minute('computed', at),
    },
    eta: shown.eta && {
      shown: Math.round(shown.eta.seconds),
      low: Math.round(shown.eta.low),
      high: Math.round(shown.eta.high),
    },
    left: Math.round((endedAt - at) / 1000),
  });
}
const result = {
  name,
  requests: answers.length,
  exitCode,
  seconds: Math.round((endedAt - startedAt) / 1000),
  errors: errors(),
  rows,
};
const target = fileURLToPath(
  new URL(`../../bench-results/${new Date().toISOString().slice(0, 10)}-live-numbers/`, import.meta.url),
);
mkdirSync(target, { recursive: true });
writeFileSync(join(target, `${name}.json`), `${JSON.stringify(result)}\n`);
writeFileSync(
  join(target, 'environment.json'),
  `${JSON.stringify(environment('node scripts/campaigns/live-numbers.mjs NAME INPUT FLAGS'), null, 2)}\n`,
);
for (const row of rows) console.log(JSON.stringify(row));
console.log(JSON.stringify({ ...result, rows: undefined }));

/** Runs llmbatch, and notes each object of `--progress json` with the time at which it came. */
async function watchRun() {
  const child = spawn(process.execPath, [bin, 'run', input, '-o', output, '--progress', 'json', ...flags], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const seen = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    const object = line.startsWith('{') ? JSON.parse(line) : { note: line };
    if (typeof object.done === 'number') seen.push({ at: Date.now(), ...object });
    else console.error(object.note ?? line);
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { samples: seen, exitCode: code };
}

function readAnswer(line) {
  const { response, llmbatch } = JSON.parse(line);
  const usage = response?.body?.usage ?? llmbatch?.usage;
  if (usage === undefined) return null;
  const start = Date.parse(llmbatch.started_at);
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  const first = start + (llmbatch.ttft_ms ?? llmbatch.latency_ms);
  return {
    start,
    first,
    end: start + llmbatch.latency_ms,
    generated: usage.completion_tokens,
    computed: (usage.prompt_tokens ?? 0) - cached,
  };
}

/** Tokens a second from one time to another. */
function rate(kind, from, to) {
  const until = Math.min(to, endedAt);
  const sum = answers.reduce((total, answer) => total + answer[kind] * share(kind, answer, from, until), 0);
  return round((sum / Math.max(1, until - from)) * 1000);
}

function minute(kind, at) {
  return rate(kind, Math.max(startedAt, at - 60_000), at);
}

function share(kind, { first, end }, from, to) {
  if (kind === 'computed' || end <= first) return first >= from && first < to ? 1 : 0;
  return Math.max(0, Math.min(end, to) - Math.max(first, from)) / (end - first);
}

function errors() {
  const of = (pairs) =>
    pairs
      .filter(([shown, truth]) => shown !== null && shown !== undefined && truth > 0)
      .map(([shown, truth]) => Math.abs(shown / truth - 1));
  const told = (list) =>
    list.length === 0 ? null : { median: percent(median(list)), worst: percent(Math.max(...list)), count: list.length };
  const later = rows.filter(({ done }) => done >= answers.length * 0.2 && done <= answers.length * 0.9);
  const ranged = rows.filter(({ eta }) => eta !== null);
  return {
    generation_next_10s: told(of(rows.map(({ generation }) => [generation.shown, generation.next]))),
    generation_last_minute: told(of(rows.map(({ generation }) => [generation.shown, generation.minute]))),
    prompt_last_minute: told(of(rows.map(({ prompt }) => [prompt.shown, prompt.minute]))),
    eta_from_20_to_90_percent: told(
      of(later.filter(({ eta }) => eta !== null).map(({ eta, left }) => [eta.shown, left])),
    ),
    eta_range_holds: `${ranged.filter(({ eta, left }) => left >= eta.low - 1 && left <= eta.high + 1).length} of ${ranged.length}`,
  };
}

function percent(value) {
  return `${round(value * 100)} %`;
}
function round(value) {
  return Math.round(value * 10) / 10;
}
