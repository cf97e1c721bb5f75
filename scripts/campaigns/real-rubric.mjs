// A run on a real model, killed by -9 at a third and at two thirds and resumed, its answers against those of the reference.
//   node scripts/campaigns/real-rubric.mjs NAME INPUT REFERENCE [any flags of `llmbatch run`]
// INPUT comes from scripts/make-prompts.mjs, REFERENCE from fixtures/references/make.py.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareWithReference } from './compare-with-reference.mjs';
import { environment } from './environment.mjs';
import { runSession } from './sessions.mjs';

const [name, input, reference, ...flags] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'real-rubric-'));
const output = join(folder, 'results.jsonl');
const count = readFileSync(input, 'utf8').trim().split('\n').length;

const plan = [
  { args: ['run', input, '-o', output, ...flags], endAt: Math.floor(count / 3) },
  { args: ['resume', output], endAt: Math.floor((count * 2) / 3) },
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
  ...compareWithReference({ input, output, reference }),
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
