import { quoteForShell } from '../core/format.ts';
import { snakeKeys } from '../core/snake-keys.ts';
import { isLockedByLiveProcess } from '../journal/lock.ts';
import { renderSummary } from '../report/summary.ts';
import { findRun } from './find-run.ts';
import { writeStdout } from './write-stdout.ts';

/** `llmbatch status`. */
export async function showStatus(output: string | undefined, { json }: { json: boolean }): Promise<void> {
  const { manifest } = await findRun(output, () => true);
  const isRunning = manifest.state === 'running' && (await isLockedByLiveProcess(manifest.output));
  // A killed run could not say that it stopped.
  const state = manifest.state === 'running' && !isRunning ? 'stopped' : manifest.state;
  if (json) {
    const { summary, run_id, updated_at, reason, input, models, mode } = manifest;
    const facts = { state, output: manifest.output, run_id, updated_at, reason, input, models, mode };
    await writeStdout(`${JSON.stringify({ ...facts, ...(snakeKeys(summary ?? {}) as object) })}\n`);
  } else if (manifest.summary === null) {
    await writeStdout(`${manifest.output}: ${state}, no request done yet\n`);
  } else {
    const resumeCommand = `llmbatch resume ${quoteForShell(manifest.output)}`;
    const options = { outputPath: manifest.output, isRunning, ...(state === 'stopped' ? { resumeCommand } : {}) };
    const reason = state === 'stopped' && manifest.reason !== null ? `  because: ${manifest.reason}\n` : '';
    await writeStdout(`${renderSummary(manifest.summary, options)}${reason}  as of  ${manifest.updated_at}\n`);
  }
}
