import { basename } from 'node:path';
import { snapshotFromWire } from '../../core/snapshot.ts';
import { startProgress } from '../../progress/index.ts';
import type { Progress } from '../../progress/progress.ts';
import { watchRun } from '../../run/live/ask-live.ts';
import { endOnSignals } from '../shared/end-on-signals.ts';
import { findLiveRun } from '../shared/runs/find-live-run.ts';
import { printJsonObject, printWrapped } from '../shared/print.ts';

/** `llmbatch status --watch`: a live run as its own terminal shows it, to its end. */
export async function watchStatus(output: string | undefined, { json }: { json: boolean }): Promise<void> {
  const run = await findLiveRun(output);
  const seen = { state: {} as Record<string, unknown>, screen: null as Progress | null };
  const show = async (): Promise<void> => {
    for await (const state of watchRun(run.output, process.env)) {
      seen.state = state;
      if (json) await printJsonObject(state);
      else
        seen.screen ??= startProgress({
          mode: 'auto',
          stream: process.stdout,
          title: basename(run.output),
          snapshot: () => snapshotFromWire(seen.state),
        });
    }
  };
  // Whoever ends the watching gets the prompt of the shell below the live line.
  await endOnSignals(() => seen.screen?.stop(), show);
  seen.screen?.stop();
  const end = seen.state['final'] === true ? 'the run has ended' : 'the run was killed';
  if (!json) await printWrapped(`${run.output}: ${end}.\n`);
}
