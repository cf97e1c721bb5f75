import { askRun, whoAsks } from '../../run/live/ask-live.ts';
import { findLiveRun } from '../shared/runs/find-live-run.ts';
import { formatCounted } from '../../text/format.ts';
import { printJsonObject, printWrapped } from '../shared/print.ts';
import { parseSetting } from './parse-setting.ts';

/** `llmbatch set workers=N`. */
export async function changeRun(
  setting: string,
  output: string | undefined,
  { json }: { json: boolean },
): Promise<void> {
  const workers = parseSetting(setting);
  const run = await findLiveRun(output);
  const state = (await askRun(run.output, { do: 'set', workers, by: whoAsks('set') }, process.env)) ?? run;
  const asked =
    workers === null
      ? 'as many requests in flight as it chooses'
      : `${formatCounted(workers, 'request')} in flight (of each server)`;
  await (json ? printJsonObject(state) : printWrapped(`${run.output}: ${asked} from now on.\n`));
}
