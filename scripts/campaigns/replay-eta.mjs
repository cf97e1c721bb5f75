// Plays a finished run into the meter again, without its engine, and compares the ETA every ten seconds with the true end:
// what a change of the ETA does to a real run.
//   node scripts/campaigns/replay-eta.mjs INPUT RESULTS [DIST]
// The results tell when each answer began, had its first token and ended. All answers that are written at a time grow alike,
// as in an engine that gives each of them a token in every step: how fast at which time follows from their tokens.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { median } from './start-campaign.mjs';

const sampleMs = 500;
const everySeconds = 10;
const fittings = 30;

const [inputPath, resultsPath, dist = fileURLToPath(new URL('../../dist', import.meta.url))] = process.argv.slice(2);
const { createMeter } = await import(pathToFileURL(join(resolve(dist), 'metrics/meter.js')).href);

const lines = new Map(readLines(inputPath).map(readLine));
const answers = readLines(resultsPath)
  .map(readAnswer)
  .filter((answer) => answer !== null);
const startedAt = Math.min(...answers.map(({ start }) => start));
for (const answer of answers) for (const key of ['start', 'first', 'end']) answer[key] -= startedAt;
const endedAt = Math.max(...answers.map(({ end }) => end));
const steps = stepsUntil(fitRates());
report(replay());

/** The meter's ETA every ten seconds. */
function replay() {
  const clock = { ms: 0 };
  const meter = createMeter({ now: () => clock.ms });
  const restBytes = answers.reduce((sum, { bytes }) => sum + bytes, 0);
  const workers = Math.max(...answers.map(({ start }) => answers.filter((one) => isOpen(one, start)).length));
  meter.add({
    type: 'model-start',
    total: answers.length,
    workers,
    maxWorkers: workers,
    contextTokens: null,
    loadMs: null,
    restBytes,
  });
  const events = answers.flatMap((answer) => [
    { at: answer.start, tell: () => meter.add({ type: 'request-start' }) },
    { at: answer.end, tell: () => tellEnd(meter, answer) },
  ]);
  events.sort((a, b) => a.at - b.at);
  const rows = [];
  let next = 0;
  for (clock.ms = sampleMs; clock.ms < endedAt; clock.ms += sampleMs) {
    const at = clock.ms;
    for (; next < events.length && events[next].at <= at; next++) {
      clock.ms = events[next].at;
      events[next].tell();
    }
    clock.ms = at;
    meter.add({ type: 'flight', flight: flightAt(at) });
    if (at % (everySeconds * 1000) > 0) continue;
    const { progress, times } = meter.snapshot();
    rows.push({ at: at / 1000, done: progress.done, eta: times.eta, left: (endedAt - at) / 1000 });
  }
  return rows;
}

function tellEnd(meter, { start, first, end, bytes, generated, prompt, cached }) {
  const tokens = { promptTokens: prompt, completionTokens: generated, cachedTokens: cached };
  const times = { latencyMs: end - start, ttftMs: first - start, queueMs: 0 };
  const rest = { promptTokens: 0, completionTokens: 0, cachedTokens: 0, overMs: end - first };
  meter.add({ type: 'request-end', tokens, isAnswered: true, latencyMs: end - start, rest });
  meter.add({
    type: 'result-end',
    sample: { kind: null, ...tokens, ...times, attempts: 1, endedAt: startedAt + end, inputBytes: bytes },
  });
}

function flightAt(at) {
  const going = answers.filter((one) => isOpen(one, at));
  const tokens = going.map((answer) => Math.floor(lengthAt(answer, at)));
  const agesMs = going.map(({ start }) => at - start);
  const between = (value) => answers.reduce((sum, answer) => sum + value(answer, at) - value(answer, at - sampleMs), 0);
  return {
    generated: between(lengthAt),
    promptComputed: between(({ first, prompt, cached }, ms) => (ms >= first ? prompt - cached : 0)),
    promptCached: between(({ first, cached }, ms) => (ms >= first ? cached : 0)),
    writing: tokens.filter((some) => some > 0).length,
    tokens: tokens.reduce((sum, some) => sum + some, 0),
    oldest: going.length === 0 ? null : { ageMs: agesMs[0], tokens: tokens[0] },
    each: { agesMs, tokens, limits: going.map(({ limit }) => limit), bytes: going.map(({ bytes }) => bytes) },
  };
}

function isOpen({ start, end }, at) {
  return start <= at && at < end;
}

function lengthAt({ first, end, generated }, at) {
  if (at < first) return 0;
  if (at >= end) return generated;
  return Math.max(1, (generated * (stepsAt(at) - stepsAt(first))) / (stepsAt(end) - stepsAt(first)));
}

/** How fast answers grew in each sample: each time is corrected by what the answers of then are off, again and again. */
function fitRates() {
  const rates = new Float64Array(Math.ceil(endedAt / sampleMs) + 1).fill(1);
  const whole = answers.filter(({ first, end, generated }) => end - first > sampleMs && generated > 0);
  for (let fitting = 0; fitting < fittings; fitting++) {
    const sums = rates.map(() => 0);
    const counts = rates.map(() => 0);
    const until = stepsUntil(rates);
    for (const { first, end, generated } of whole) {
      const off = generated / (read(until, end) - read(until, first));
      for (let at = Math.ceil(first / sampleMs); at < end / sampleMs - 1; at++) {
        sums[at] += Math.log(off);
        counts[at]++;
      }
    }
    for (const at of rates.keys()) if (counts[at] > 0) rates[at] *= Math.exp((0.7 * sums[at]) / counts[at]);
  }
  return rates;
}

function stepsUntil(rates) {
  const until = new Float64Array(rates.length + 1);
  for (const [at, rate] of rates.entries()) until[at + 1] = until[at] + rate;
  return until;
}

function stepsAt(ms) {
  return read(steps, ms);
}
function read(until, ms) {
  const at = Math.min(until.length - 2, Math.floor(ms / sampleMs));
  return until[at] + (ms / sampleMs - at) * (until[at + 1] - until[at]);
}

function readLines(path) {
  return readFileSync(path, 'utf8').trim().split('\n');
}

function readLine(line) {
  const { custom_id: id, body } = JSON.parse(line);
  return [id, { bytes: Buffer.byteLength(line) + 1, limit: body.max_completion_tokens ?? body.max_tokens ?? null }];
}

function readAnswer(line) {
  const { custom_id: id, response, llmbatch } = JSON.parse(line);
  const usage = response?.body?.usage ?? llmbatch.usage;
  if (usage === undefined || !lines.has(id)) return null;
  const start = Date.parse(llmbatch.started_at);
  return {
    ...lines.get(id),
    start,
    first: start + (llmbatch.ttft_ms ?? llmbatch.latency_ms),
    end: start + llmbatch.latency_ms,
    generated: usage.completion_tokens,
    prompt: usage.prompt_tokens,
    cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
  };
}

function report(rows) {
  for (const { at, done, eta, left } of rows) {
    const told = eta === null ? '-' : `${eta.seconds.toFixed(1)} (${eta.low.toFixed(1)} to ${eta.high.toFixed(1)})`;
    console.log(`${at} s  ${done} done  ${told}  ${left.toFixed(1)} left`);
  }
  const told = rows.filter(({ eta }) => eta !== null);
  const middle = told.filter(({ done }) => done >= 0.2 * answers.length && done <= 0.9 * answers.length);
  const errors = middle.map(({ eta, left }) => eta.seconds / left - 1);
  const sizes = errors.map(Math.abs);
  const held = told.filter(({ eta, left }) => left >= eta.low - 1 && left <= eta.high + 1);
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  console.log(
    `20 to 90 %: median error ${percent(median(sizes))}, worst ${percent(Math.max(...sizes))}, ` +
      `mean ${percent(errors.reduce((sum, error) => sum + error, 0) / errors.length)}; range holds ${held.length} of ${told.length}`,
  );
}
