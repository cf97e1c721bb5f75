import { changesEngine } from '../../journal/manifest/find-drift.ts';
import { adoptOutput } from './adopt-output.ts';
import { type OpenedManifest, inputDrift, settingsDrift, settleDrift } from './open-manifest.ts';
import type { ReadRun } from '../open-run.ts';
import { openFirstEngine } from '../run-groups.ts';

const grown = 'the input has grown at its end since the run began; the new lines are taken too';

/** Another setting, or another input: told once the input could be read, and the engine opened where it is another one. */
export async function checkDrift(prepared: ReadRun & Pick<OpenedManifest, 'isNew' | 'isAdopted'>): Promise<void> {
  const { request, host, manifest, input, isNew, isAdopted } = prepared;
  if (isAdopted) {
    const { drift, note } = await adoptOutput(request, input);
    await settleDrift(manifest, drift, request);
    host.notify({ topic: 'manifest', text: note });
  }
  if (!isNew) {
    const { drift, hasGrown } = inputDrift(manifest, input.identity());
    const all = [...settingsDrift(manifest, request), ...drift];
    const isRefused = all.length > 0 && !request.allowDrift;
    if (isRefused && changesEngine(manifest.settings, request.settings)) await openFirstEngine(prepared);
    await settleDrift(manifest, all, request);
    if (hasGrown) host.notify({ topic: 'input', text: grown });
  }
  Object.assign(manifest, { settings: request.settings, runner: request.runner });
}
