import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/torture.mjs', import.meta.url));

test.skipIf(process.platform !== 'linux')(
  'loses nothing when the runner and its engine are killed again and again (needs Linux: /proc)',
  { timeout: 180_000 },
  async () => {
    const child = spawn(process.execPath, [script, '--kills', '12', '--seed', '7'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    for await (const piece of child.stdout.setEncoding('utf8')) stdout += piece as string;
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      rounds: { mock: expect.any(Number), 'llama-cpp': expect.any(Number) },
    });
  },
);
