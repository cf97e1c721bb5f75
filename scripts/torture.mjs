#!/usr/bin/env node
/**
 * Proves that nothing is lost: runs are killed with SIGKILL at random moments (the runner, its engine, one process of the engine, or both), their outputs
 * are torn where a power cut could tear them, and they are resumed until done.
 *
 *     node scripts/torture.mjs [--kills 500] [--seed 1] [--backend mock|llama-cpp|both] [--program bin/llmbatch.js]
 *         [--option server=/usr/bin/llama-server]... (of llama-cpp)
 *
 * After each kill: what the runner had acknowledged (counted by `--progress json`, or printed on stdout) is in the output,
 * byte for byte, and no process of the session lives 10 s later. At the end of each round: every id exactly once, in the
 * order of the input, every answer right. Prints one line of JSON; exit 1 on any violation, with the evidence kept.
 * Needs Linux (/proc).
 */
import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { seededRandom } from './seeded-random.mjs';
import { startSession } from './torture-session.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'both' },
    option: { type: 'string', multiple: true, default: [] },
    program: { type: 'string', default: fileURLToPath(new URL('../bin/llmbatch.js', import.meta.url)) },
  },
});

const mockFlags = ['-b', 'mock', '--workers', '8'];
for (const option of ['answer=score', 'latency_ms=40', 'latency_jitter=1', 'fault_rate=0.1', 'fault_attempts=1']) {
  mockFlags.push('--option', option);
}
mockFlags.push('--option', 'fault_kinds=server-error,rate-limited,crash');

const llamaFlags = ['-b', 'llama-cpp', ...values.option.flatMap((option) => ['--option', option])];

/** Rounds take turns. `spanMs`: the longest wait before a kill. Transient failures are tried again by the resume. */
const scenarios = [
  { name: 'mock', count: 400, spanMs: 2500, flags: mockFlags },
  { name: 'llama-cpp', hasEngine: true, count: 240, spanMs: 5000, flags: llamaFlags },
  { name: 'mock-stdout', toStdout: true, count: 400, spanMs: 2500, flags: [...mockFlags, '-o', '-'] },
  {
    name: 'llama-cpp-conversation',
    hasEngine: true,
    count: 160,
    systems: 1,
    spanMs: 6000,
    flags: [...llamaFlags, '--mode', 'conversation', '--trim-every', '6', '--keep-messages', '6'],
  },
  {
    name: 'mock-failing',
    count: 300,
    spanMs: 2500,
    flags: [...mockFlags, '--retries', '0', '--max-error-rate', '1'],
  },
].filter(({ name }) => values.backend === 'both' || name.startsWith(values.backend));
if (scenarios.length === 0) throw new RangeError(`--backend: mock, llama-cpp or both, not ${values.backend}`);

/** So many sessions without an end are no progress. */
const maxSessions = 200;
/** An engine that dies again and again is given up, rightly. */
const maxEngineKills = 2;

const wantedKills = Number(values.kills);
const random = seededRandom(Number(values.seed));
const below = (limit) => Math.floor(random() * limit);
const chance = (share) => random() < share;
const execute = promisify(execFile);

const totals = {
  rounds: {},
  requests: 0,
  kills: { runner: 0, engine: 0, part: 0, both: 0 },
  torn: { cut: 0, appended: 0 },
  sessions: { run: 0, resume: 0, engine_gave_up: 0 },
  acknowledged_checked: { counted: 0, printed: 0, earlier: 0 },
  orphan_checks: 0,
};
const killCount = () => Object.values(totals.kills).reduce((sum, kills) => sum + kills, 0);

class Violation extends Error {}

function expect(condition, sentence) {
  if (!condition) throw new Violation(sentence);
}

async function main() {
  const startedAt = Date.now();
  const evidence = await mkdtemp(join(tmpdir(), 'llmbatch-torture-'));
  const outcome = { ok: true };
  try {
    for (let number = 0; killCount() < wantedKills; number++) {
      const scenario = scenarios[number % scenarios.length];
      await runRound({ ...scenario, number, folder: join(evidence, `${number}-${scenario.name}`) });
    }
    await rm(evidence, { recursive: true, force: true });
  } catch (error) {
    Object.assign(outcome, {
      ok: false,
      violation: error instanceof Violation ? error.message : error.stack,
      evidence,
    });
  }
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  console.log(JSON.stringify({ seed: Number(values.seed), ...outcome, ...totals, seconds }));
  process.exitCode = outcome.ok ? 0 : 1;
}

/** One input, killed and resumed until it is answered: a round that has begun is brought to its end. */
async function runRound(scenario) {
  const { folder, name, count } = scenario;
  const round = {
    ...scenario,
    input: join(folder, 'in.jsonl'),
    output: scenario.toStdout ? null : join(folder, 'in.results.jsonl'),
    stateFolder: join(folder, 'state'),
    sessions: 0,
    isPatient: false,
    orphanChecks: [],
  };
  await mkdir(folder, { recursive: true });
  await makeInput(round);
  while (!(await runSession(round)));
  await proveAnswers(round);
  await Promise.all(round.orphanChecks);
  await rm(folder, { recursive: true, force: true });
  totals.rounds[name] = (totals.rounds[name] ?? 0) + 1;
  totals.requests += count;
}

async function makeInput({ input, count, number, systems = 1 + below(4) }) {
  const seed = Number(values.seed) * 1000 + number;
  const flags = Object.entries({ count, systems, seed }).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  const { stdout } = await execute(process.execPath, [scriptPath('make-candidates.mjs'), ...flags], {
    maxBuffer: 1 << 28,
  });
  await writeFile(input, stdout);
}

/** From a start to a death, or to the end of the run; true when the run is done. */
async function runSession(round) {
  round.sessions++;
  expect(round.sessions <= maxSessions, `${round.folder}: not done after ${maxSessions} sessions`);
  const before = wholeLines(await readOutput(round));
  const session = startSession({ ...round, words: await wordsFor(round), program: values.program });
  const fate = await killAtRandom(session, round);
  const exitCode = await session.ended;
  round.orphanChecks.push(checkOrphans(session, round));
  round.output ??= await findOutput(round);
  const kept = await checkAcknowledged(round, { before, ...session.acknowledged() });
  if (fate.isKilled) await tear(round, kept);
  else judgeEnd(round, { exitCode, fate, stderr: session.stderr() });
  return !fate.isKilled && exitCode === 0;
}

/** A stopped run goes on by `resume`, or by the same command said again. */
async function wordsFor(round) {
  // A run that was killed before its first manifest is none yet.
  const canResume = round.output !== null && (await exists(`${round.output}.run.json`));
  if (canResume && (round.toStdout || round.isPatient || chance(0.7))) {
    totals.sessions.resume++;
    return ['resume', round.output, '--progress', 'json', ...(round.isPatient ? ['--retries', '5'] : [])];
  }
  totals.sessions.run++;
  return ['run', round.input, ...round.flags, '--progress', 'json'];
}

/** Kills at random moments, until the runner is dead or the run at its end. */
async function killAtRandom(session, round) {
  const fate = { isKilled: false, engineKills: 0 };
  while (!session.hasEnded() && killCount() < wantedKills) {
    await Promise.race([session.ended, momentToKill(round, session)]);
    const target = round.hasEngine ? ['runner', 'runner', 'engine', 'part', 'both'][below(5)] : 'runner';
    if (session.hasEnded() || (isOfEngine(target) && fate.engineKills === maxEngineKills)) continue;
    if (!(await session.kill(target, below))) continue;
    totals.kills[target]++;
    if (isOfEngine(target)) fate.engineKills++;
    else return { ...fate, isKilled: true };
  }
  return fate;
}

const isOfEngine = (target) => target === 'engine' || target === 'part';

/** Anywhere from the start on, or, as often, while results are being written. */
async function momentToKill(round, { hasEnded }) {
  if (chance(0.5)) return sleep(below(round.spanMs));
  const { length } = await readOutput(round);
  while (!hasEnded() && (await readOutput(round)).length <= length) await sleep(20);
  return sleep(below(1500));
}

/** A runner that was let alone brings its run to an end. */
function judgeEnd(round, { exitCode, fate, stderr }) {
  const hasFailures = exitCode === 3 && round.name === 'mock-failing';
  // The engine was killed while it was being loaded: the run says so, and can be resumed.
  const hasGivenUp = exitCode === 4 && fate.engineKills > 0;
  if (hasFailures) round.isPatient = true;
  if (hasGivenUp) totals.sessions.engine_gave_up++;
  expect(
    exitCode === 0 || hasFailures || hasGivenUp,
    `${round.folder}, session ${round.sessions}: ended with ${exitCode}: ${stderr}`,
  );
}

/**
 * Everything that was acknowledged is in the output, byte for byte: what was there before the session, the lines on stdout,
 * and as many new lines as the display counted. Returns how many of the output's bytes are so promised.
 */
async function checkAcknowledged(round, { before, done, printed }) {
  const where = `${round.folder}, session ${round.sessions}`;
  const now = await readOutput(round);
  const isAppended = now.subarray(0, before.length).equals(before);
  const newLines = done === null ? 0 : Math.max(0, done - countSuccesses(before));
  const lines = linesOf(before).length + newLines;
  totals.acknowledged_checked.earlier += linesOf(before).length;
  totals.acknowledged_checked.counted += newLines;
  totals.acknowledged_checked.printed += printed.length;

  const present = new Set(linesOf(now));
  for (const line of printed) expect(present.has(line), `${where}: printed, but not in the output: ${line}`);
  if (isAppended) {
    expect(present.size >= lines, `${where}: ${lines} lines acknowledged, ${present.size} in the output`);
    return Math.max(before.length, endOfLine(now, lines), ...printed.map((line) => endOf(now, line)));
  }
  // The run has put its output in order: the same lines, less the failures that a later line stands for.
  const ids = new Set(linesOf(now).map(idOf));
  for (const line of linesOf(before)) {
    expect(present.has(line) || (isFailure(line) && ids.has(idOf(line))), `${where}: lost ${line}`);
  }
  return now.length;
}

/** Hurts the output as a power cut could, only behind what was acknowledged; or leaves half a line at its end. */
async function tear(round, keptBytes) {
  const { length } = await readOutput(round);
  if (length === 0 || chance(0.4)) return;
  if (length > keptBytes && chance(0.7)) {
    totals.torn.cut++;
    await truncate(round.output, keptBytes + below(length - keptBytes));
  } else {
    totals.torn.appended++;
    await appendFile(round.output, halfLine.slice(0, 1 + below(halfLine.length)));
  }
}

const halfLine = '{"id":"batch_req_torn_1","custom_id":"candidate-000001","response":{"status_code":200,"request_id":"';

function checkOrphans(session, { folder, sessions }) {
  const check = session.processesLeft(10_000).then((left) => {
    totals.orphan_checks++;
    expect(left.length === 0, `${folder}, session ${sessions}: alive 10 s after its end: ${left.join(', ')}`);
  });
  // Awaited at the end of the round.
  check.catch(() => {});
  return check;
}

/** Each id exactly once, in the order of the input, and every answer right. */
async function proveAnswers({ input, output, folder }) {
  const words = [scriptPath('check-answers.mjs'), '--json', input, output];
  const { stdout } = await execute(process.execPath, words).catch((error) => error);
  expect(JSON.parse(stdout).ok, `${folder}: ${stdout}`);
  const [wanted, found] = await Promise.all(
    [input, output].map(async (path) => linesOf(await readFile(path)).map(idOf)),
  );
  expect(wanted.join() === found.join(), `${folder}: the output is not in the order of the input`);
}

/** A run to stdout keeps its output in the state folder; it is one as soon as it has a manifest. */
async function findOutput({ stateFolder }) {
  const entries = await readdir(stateFolder, { recursive: true }).catch(() => []);
  const manifest = entries.find((entry) => entry.endsWith('.run.json'));
  return manifest === undefined ? null : join(stateFolder, manifest.replace(/\.run\.json$/, ''));
}

const exists = (path) => stat(path).then(Boolean, () => false);
const readOutput = async ({ output }) =>
  (output === null ? null : await readFile(output).catch(() => null)) ?? Buffer.alloc(0);
const wholeLines = (bytes) => bytes.subarray(0, bytes.lastIndexOf(10) + 1);
const linesOf = (bytes) => wholeLines(bytes).toString('utf8').split('\n').slice(0, -1);
const idOf = (line) => JSON.parse(line).custom_id;
const isFailure = (line) => JSON.parse(line).error !== null && JSON.parse(line).error !== undefined;
const scriptPath = (name) => fileURLToPath(new URL(`./${name}`, import.meta.url));
const sleep = (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs));

/** Failed requests count as open again when a run is resumed. */
const countSuccesses = (bytes) =>
  new Set(
    linesOf(bytes)
      .filter((line) => !isFailure(line))
      .map(idOf),
  ).size;

/** Where the line number `count` ends. */
function endOfLine(bytes, count) {
  let end = 0;
  for (let line = 0; line < count; line++) end = bytes.indexOf(10, end) + 1;
  return end;
}

/** Where this line ends. */
const endOf = (bytes, line) => bytes.indexOf(`${line}\n`) + Buffer.byteLength(line) + 1;

await main();
