import { setTimeout as sleep } from 'node:timers/promises';
import { formatCounted } from '../../text/format.ts';
import { askRun, whoAsks } from '../../run/live/ask-live.ts';
import type { LiveState } from '../../run/live/messages.ts';
import { findLiveRun } from '../shared/runs/find-live-run.ts';
import { printJsonObject, printWrapped } from '../shared/print.ts';

const lookMs = 250;

/** `llmbatch pause`. */
export async function pauseRun(
  output: string | undefined,
  { wait, json }: { wait: boolean; json: boolean },
): Promise<void> {
  const run = await findLiveRun(output);
  const asked = await askRun(run.output, { do: 'pause', by: whoAsks('pause') }, process.env);
  const state = wait ? await untilDrained(asked ?? run) : (asked ?? run);
  await (json ? printJsonObject(state) : printWrapped(pausedText(state)));
}

/** The state of a run when nothing of it is in flight, or when it has ended. */
async function untilDrained(paused: LiveState): Promise<LiveState> {
  let last = paused;
  while (last.in_flight > 0) {
    await sleep(lookMs);
    const state = await askRun(paused.output, { do: 'status' }, process.env);
    if (state === null || state.paused === null) break;
    last = state;
  }
  return last;
}

function pausedText({ output, paused, in_flight: inFlight }: LiveState): string {
  if (paused === null) return `${output} has gone on meanwhile.\n`;
  const rest = inFlight === 0 ? 'Nothing is in flight' : `${formatCounted(inFlight, 'request')} in flight will end`;
  return `${output} is paused, by ${paused.by}. ${rest}; the model stays loaded.\nTo continue: llmbatch resume\n`;
}
