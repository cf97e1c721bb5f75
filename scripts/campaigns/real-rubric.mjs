// A run on a real model, killed by -9 at a third and at two thirds and resumed, its answers against those of the reference.
//   node scripts/campaigns/real-rubric.mjs NAME INPUT REFERENCE [any flags of `llmbatch run`]
// INPUT comes from scripts/make-prompts.mjs, REFERENCE from fixtures/references/make.py. An answer may differ from the
// reference only behind a token whose margin over the second best is no more than 0.5 (in the logit).
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.mjs';
import { runSession } from './sessions.mjs';

const sureMargin = 0.5;
const [name, input, referencePath, ...flags] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'real-rubric-'));
const output = join(folder, 'results.jsonl');
const readLines = (path) => readFileSync(path, 'utf8').trim().split('\n').map(JSON.parse);
const ids = readLines(input).map(({ custom_id: id }) => id);

const plan = [
  { args: ['run', input, '-o', output, ...flags], endAt: Math.floor(ids.length / 3) },
  { args: ['resume', output], endAt: Math.floor((ids.length * 2) / 3) },
  { args: ['resume', output, '--json'], endAt: null },
];
const sessions = [];
for (const { args, endAt } of plan) {
  const { notes, summary, ...session } = await runSession(args, { endAt, cwd: folder });
  const { exitCode, signal, seconds, done, peakBytes } = session;
  sessions.push({
    exitCode,
    signal,
    seconds: Math.round(seconds),
    done,
    peakBytes,
    notes,
    ...(summary && { summary }),
  });
  console.error(JSON.stringify({ exitCode, signal, seconds, done, notes }));
}
const result = {
  name,
  flags,
  ...compare(),
  seconds: sessions.reduce((sum, { seconds }) => sum + seconds, 0),
  sessions,
};
const target = fileURLToPath(
  new URL(`../../bench-results/${new Date().toISOString().slice(0, 10)}-real-rubric/`, import.meta.url),
);
mkdirSync(target, { recursive: true });
// Folders of the machine that measured are nobody's business.
const withoutFolders = JSON.stringify(result, null, 1).replaceAll(/(?:\/[\w.+-]+)+\/(?=[\w.-])/g, '');
writeFileSync(join(target, `${name}.json`), `${withoutFolders}\n`);
const command = 'node scripts/campaigns/real-rubric.mjs NAME INPUT REFERENCE FLAGS';
writeFileSync(join(target, 'environment.json'), `${JSON.stringify(environment(command), null, 2)}\n`);
console.log(JSON.stringify({ ...result, sessions: undefined }));

/** Each id once, each prompt of as many tokens, each answer the same as far as the reference is sure. */
function compare() {
  const references = new Map(readLines(referencePath).map((row) => [row.custom_id, row]));
  const counts = { requests: ids.length, results: 0, repeated: 0, missing: 0, failed: 0, compared: 0, same: 0 };
  Object.assign(counts, { differsWhereUnsure: 0, differsWhereSure: 0, otherPromptTokens: 0, sureTokens: 0, first: [] });
  const seen = new Set();
  for (const { custom_id: id, response } of readLines(output)) {
    counts.results++;
    if (seen.has(id)) counts.repeated++;
    seen.add(id);
    if (response?.status_code !== 200) counts.failed++;
    else if (references.has(id)) judge(counts, references.get(id), response.body);
  }
  counts.missing = ids.filter((id) => !seen.has(id)).length;
  return counts;
}

function judge(counts, reference, { choices, usage }) {
  counts.compared++;
  if (usage.prompt_tokens !== reference.prompt_tokens) counts.otherPromptTokens++;
  const { pieces, margins } = reference;
  const text = choices[0].message.content.trimEnd();
  const whole = pieces.join('');
  const unsure = margins.findIndex((margin) => margin <= sureMargin);
  const sure = pieces.slice(0, unsure === -1 ? pieces.length : unsure).join('');
  counts.sureTokens += unsure === -1 ? margins.length : unsure;
  if (text === whole.trimEnd()) counts.same++;
  else if (unsure !== -1 && text.startsWith(sure.trimEnd())) counts.differsWhereUnsure++;
  else {
    counts.differsWhereSure++;
    if (counts.first.length < 5) counts.first.push({ id: reference.custom_id, text, reference: whole, margins });
  }
}
