import { expect, test } from 'vitest';
import { settleDrift } from '../../../src/run/files/settle-drift.ts';
import { sampleManifest } from '../../journal/sample-manifest.ts';

const drift = { settings: ['--max-tokens 60 → 200'], input: [], isOfRetries: true };
const request = { allowDrift: false, retryFailed: 'transient', paths: { output: 'x.jsonl' }, isResume: true };

test.each([
  [10, false, 'To answer the 2 that failed and the 30 that are left with the new settings, add --retry-failed all.'],
  [40, true, 'To try only the 2 that failed again with the new settings, add --retry-failed all.'],
])('says what --retry-failed all answers where %i of 40 are done', async (done, wasFinished, hint) => {
  const manifest = { ...sampleManifest(), summary: { progress: { total: 40, done, failed: 2 } } };
  const refused = settleDrift(manifest as never, { ...drift, wasFinished }, request as never);
  await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining(hint) as string });
});
