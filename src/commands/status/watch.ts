import { basename } from 'node:path';
import { snapshotFromWire } from '../../core/snapshot.ts';
import { startProgress } from '../../progress/index.ts';
import type { Progress } from '../../progress/progress.ts';
import { watchRun } from '../../run/live/ask-live.ts';
import { findLiveRun } from '../shared/find-live-run.ts';
import { printJson, printWrapped } from '../shared/print.ts';

/** `llmbatch status --watch`: a live run as its own terminal shows it, to its end. */
export async function watchStatus(output: string | undefined, { json }: { json: boolean }): Promise<void> {
  const run = await findLiveRun(output);
  let last: Record<string, unknown> = {};
  let screen: Progress | null = null;
  for await (const state of watchRun(run.output, process.env)) {
    last = state;
    if (json) await printJson(`${JSON.stringify(state)}\n`);
    else
      screen ??= startProgress({
        mode: 'auto',
        stream: process.stdout,
        title: basename(run.output),
        snapshot: () => snapshotFromWire(last),
      });
  }
  screen?.stop();
  if (!json)
    await printWrapped(
      last['final'] === true ? `${run.output}: the run has ended.\n` : `${run.output}: the run was killed.\n`,
    );
}
