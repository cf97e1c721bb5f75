import { chmod } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { expect, test } from 'vitest';
import { createCliFolder, mock, prompts } from '../helpers/run-cli.ts';

/** The driver's tool, of a card with 15,000 of 16,384 MiB in use. */
const nvidiaSmi = `#!/bin/sh
while :; do
  echo "15000, 16384, 97, 61, 212.40"
  sleep 0.4
done
`;

test('a run pauses at --vram-limit, stops when that lasts, and goes on without the limit', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(400));
  await folder.write('nvidia-smi', nvidiaSmi);
  await chmod(folder.at('nvidia-smi'), 0o755);
  const environment = { PATH: `${folder.path}${delimiter}${process.env['PATH']}` };
  const flags = ['--workers', '2', '--vram-limit', '8GiB', '--stall-timeout', '1s', ...mock('latency_ms=50')];
  const stopped = await folder.run(['run', 'in.jsonl', ...flags], { environment });
  expect(stopped.exitCode).toBe(4);
  expect(stopped.stderr).toContain('GPU memory is at 91.6% (limit 50.0%): 1 of 2 workers continue');
  expect(stopped.stderr).toContain('GPU memory is at 91.6% (limit 50.0%): nothing is sent until there is room');
  expect(stopped.stderr).toContain('Use a higher --vram-limit');
  const { runner, summary } = await folder.manifest('in.results.jsonl.run.json');
  expect(runner.vramLimit).toEqual({ bytes: 8 * 1024 ** 3 });
  expect(summary).toMatchObject({
    machine: { vramGuard: { trims: 0, lowered: 1, pauses: 1 } },
    progress: { workers: { current: 0, atStart: 2 } },
  });

  const resumed = await folder.run(['resume', '--vram-limit', 'none', '--workers', '64'], { environment });
  expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.not.stringContaining('GPU memory is at')]);
  expect(await folder.results('in.results.jsonl')).toHaveLength(400);
});
