import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../../scripts/fuzz-files.mjs', import.meta.url));

test.each(['1', '7'])('files that were mutated are taken whole or refused whole (seed %s)', (seed) => {
  const told = execFileSync(process.execPath, [script, '--count', '60', '--seed', seed], { encoding: 'utf8' });
  const { files, taken, refused } = JSON.parse(told) as Record<string, number>;
  expect(files).toBe(60);
  expect((taken ?? 0) + (refused ?? 0)).toBe(60);
});
