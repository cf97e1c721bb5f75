// What the campaigns have in common: an input of candidates in a folder of its own, and a place for the result.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Candidates under one rubric, in a scratch folder. */
export async function startCampaign(name, count) {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  const input = join(folder, 'candidates.jsonl');
  const output = join(folder, 'candidates.results.jsonl');
  const make = [here('../make-candidates.mjs'), '--count', String(count), '--seed', '1', '--systems', '1'];
  const maker = spawn(process.execPath, make, { stdio: ['ignore', 'pipe', 'inherit'] });
  const file = createWriteStream(input);
  maker.stdout.pipe(file);
  await once(file, 'close');
  return {
    folder,
    input,
    output,
    /** Each id once, and each answer as expected. */
    check: () => {
      const args = [here('../check-answers.mjs'), '--json', input, output];
      return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n').at(-1));
    },
    /** Writes `bench-results/<date>-<name>/`, and removes the scratch folder. */
    finish: (result, command) => {
      const target = here(`../../bench-results/${new Date().toISOString().slice(0, 10)}-${name}`);
      mkdirSync(target, { recursive: true });
      writeFileSync(join(target, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
      writeFileSync(join(target, 'environment.json'), `${JSON.stringify(environment(command), null, 2)}\n`);
      rmSync(folder, { recursive: true });
    },
  };
}

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
