// Trouble with one of three servers in one run, or with all: 5,000 candidates on three stubs of unlike speed, and in the middle the
// fastest is killed, stopped, slowed, and so on. For each: the exit code, each id once and each answer right, the seconds lost
// against a run without trouble, those that nobody could have saved, and what the user was told.
//   node scripts/campaigns/servers-trouble.mjs [--count 5000] [--seconds 20] [--only killed,stopped] [--parallel 3] [--out trouble]
// `--seconds`: how long a trouble lasts that ends.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { environment } from './environment.mjs';
import { runSession } from './sessions.mjs';
import { checkAnswers, startCampaign } from './start-campaign.mjs';
import { flagsOf, startStub } from './stub-servers.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '20' },
    only: { type: 'string' },
    parallel: { type: 'string', default: '3' },
    out: { type: 'string', default: 'trouble' },
  },
});
const count = Number(values.count);
const lastsMs = Number(values.seconds) * 1000;
/** 40, 16 and 8 requests a second. */
const servers = [
  { ms: 100, slots: 4, kind: 'vllm' },
  { ms: 250, slots: 4, kind: 'vllm' },
  { ms: 500, slots: 4, kind: 'vllm' },
];
const rateOf = ({ ms, slots }) => (slots * 1000) / ms;

/** What is done, and for how long the server is of no use: Infinity, where it never is again. */
const troubles = {
  none: { act: async () => {}, awayMs: 0 },
  killed: { act: async ([first]) => first.signal('SIGKILL'), awayMs: Infinity },
  restarted: {
    async act([first]) {
      first.signal('SIGKILL');
      await sleep(10_000);
      await first.start();
    },
    awayMs: 10_000,
  },
  stopped: {
    async act([first]) {
      first.signal('SIGSTOP');
      await sleep(lastsMs);
      first.signal('SIGCONT');
    },
    awayMs: lastsMs,
  },
  'stopped-for-good': { act: async ([first]) => first.signal('SIGSTOP'), awayMs: Infinity },
  slowed: { act: ([first]) => first.change({ ms: first.ms * 10 }), awayMs: Infinity, keeps: 0.1 },
  'answers-503': { act: ([first]) => lasting(first, { status: 503 }, { status: null }), awayMs: lastsMs },
  'other-model': {
    act: ([first]) => lasting(first, { model: 'other' }, { model: 'tiny-scorer' }),
    awayMs: lastsMs,
  },
  'key-refused': { act: ([first]) => first.change({ status: 401 }), awayMs: Infinity },
  'all-restarted': {
    async act(stubs) {
      for (const stub of stubs) stub.signal('SIGKILL');
      await sleep(15_000);
      for (const stub of stubs) await stub.start();
    },
    awayMs: 15_000,
    hitsAll: true,
  },
  'all-killed': {
    async act(stubs) {
      for (const stub of stubs) stub.signal('SIGKILL');
    },
    awayMs: Infinity,
    hitsAll: true,
  },
};

async function lasting(stub, begin, end) {
  await stub.change(begin);
  await sleep(lastsMs);
  await stub.change(end);
}

const { input, folder } = await startCampaign('servers', count);
const names = values.only === undefined ? Object.keys(troubles) : ['none', ...values.only.split(',')];
const results = [];
const left = [...names];
await Promise.all(Array.from({ length: Number(values.parallel) }, worker));
const calm = results.find(({ trouble }) => trouble === 'none');
for (const result of results) {
  result.lost_seconds = round(result.seconds - calm.seconds);
  console.log(JSON.stringify({ ...result, notes: undefined }));
}
const target = fileURLToPath(new URL('../../bench-results/2026-11-30-servers/', import.meta.url));
mkdirSync(target, { recursive: true });
const command = `node scripts/campaigns/servers-trouble.mjs ${process.argv.slice(2).join(' ')}`.trim();
const about = {
  ...environment(command),
  requests: count,
  servers: servers.map((stub) => ({ ...stub, rate: rateOf(stub) })),
};
writeFileSync(join(target, `${values.out}.json`), `${JSON.stringify({ ...about, results }, null, 2)}\n`);
rmSync(folder, { recursive: true });

async function worker() {
  for (;;) {
    const name = left.shift();
    if (name === undefined) return;
    results.push(await runThrough(name, troubles[name]));
    console.error(JSON.stringify(results.at(-1), null, 1));
  }
}

async function runThrough(trouble, { act, awayMs, keeps = 0, hitsAll = false }) {
  const own = mkdtempSync(join(tmpdir(), 'servers-'));
  const stubs = await Promise.all(servers.map(startStub));
  const path = join(own, 'in.jsonl');
  copyFileSync(input, path);
  const state = { acting: Promise.resolve(), at: null };
  const onDone = (done) => {
    if (state.at !== null || done < count / 3) return;
    state.at = done;
    state.acting = act(stubs);
  };
  const session = await runSession(['run', path, ...flagsOf(stubs), '--json'], { cwd: own, onDone });
  await state.acting;
  for (const stub of stubs) stub.end();
  const output = join(own, 'in.results.jsonl');
  const { right, wrong, failed, missing, repeated } = checkAnswers(path, output);
  const answers = readFileSync(output, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const byServer = stubs.map(({ name }) => answers.filter(({ llmbatch }) => llmbatch.server === name).length);
  const notes = session.notes.map((note) =>
    stubs.reduce((text, { name }, index) => text.replaceAll(name, `server-${index + 1}`), note.replaceAll(own, '.')),
  );
  rmSync(own, { recursive: true });
  return {
    trouble,
    exit_code: session.exitCode,
    ...{ right, wrong, failed, missing, repeated, by_server: byServer },
    seconds: round(session.seconds),
    unavoidable_seconds: round(unavoidable(count - (state.at ?? count), { awayMs, keeps, hitsAll })),
    retries: session.summary?.retries ?? null,
    notes,
  };
}

/** Seconds that the rest of the run takes longer, were all that is left of the servers always busy; null: it never ends. */
function unavoidable(rest, { awayMs, keeps, hitsAll }) {
  const all = servers.map(rateOf).reduce((sum, rate) => sum + rate, 0);
  const lost = hitsAll ? all : rateOf(servers[0]) * (1 - keeps);
  if (awayMs !== Infinity) return (lost * (awayMs / 1000)) / all;
  return lost === all ? null : rest / (all - lost) - rest / all;
}

function round(value) {
  return value === null ? null : Math.round(value * 10) / 10;
}
