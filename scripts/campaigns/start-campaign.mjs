// What the campaigns have in common: an input of candidates in a folder of its own, and a place for the result.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Candidates under one rubric, or under several in turn, in a scratch folder. */
export async function startCampaign(name, count, systems = 1) {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  const input = join(folder, 'candidates.jsonl');
  const output = join(folder, 'candidates.results.jsonl');
  const make = [here('../make-candidates.mjs'), '--count', String(count), '--seed', '1', '--systems', String(systems)];
  const maker = spawn(process.execPath, make, { stdio: ['ignore', 'pipe', 'inherit'] });
  const file = createWriteStream(input);
  maker.stdout.pipe(file);
  await once(file, 'close');
  return {
    folder,
    input,
    output,
    /** Each id once, and each answer as expected. */
    check: () => checkAnswers(input, output),
    /** Writes `bench-results/<date>-<name>/`, and removes the scratch folder. */
    finish: (result, command) => {
      writeResult(name, result, command);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Writes `bench-results/<date>-<name>/`. */
export function writeResult(name, result, command) {
  const target = here(`../../bench-results/${new Date().toISOString().slice(0, 10)}-${name}`);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(target, 'environment.json'), `${JSON.stringify(environment(command), null, 2)}\n`);
}

/** What `check-answers.mjs` says of an output, also where it finds a difference. */
export function checkAnswers(input, output) {
  const args = [here('../check-answers.mjs'), '--json', input, output];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
