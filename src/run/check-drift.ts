import { changesEngine } from '../journal/manifest/find-drift.ts';
import type { Engines } from './engines.ts';
import { adoptOutput } from './files/adopt-output.ts';
import { inputDrift, settingsDrift, settleDrift } from './files/open-manifest.ts';
import type { Run } from './run.ts';

const grown = 'the input has grown at its end since the run began; the new lines are taken too';

/**
 * Refuses, or with `--allow-drift` records, another setting or another input than the run began with. Told once the input
 * could be read, and the engine opened where it is another one.
 */
export async function checkDrift(run: Run, engines: Engines): Promise<void> {
  const { request, manifest, input, notify } = run;
  const { isNew, isAdopted } = run.origin;
  if (isAdopted) {
    const { drift, note } = await adoptOutput(request, input);
    await settleDrift(manifest, drift, request);
    notify({ topic: 'manifest', text: note });
  }
  if (!isNew) {
    const { drift, hasGrown } = inputDrift(manifest, input.identity());
    const all = [...settingsDrift(manifest, request), ...drift];
    const isRefused = all.length > 0 && !request.allowDrift;
    if (isRefused && changesEngine(manifest.settings, request.settings)) await engines.openFirst();
    await settleDrift(manifest, all, request);
    if (hasGrown) notify({ topic: 'input', text: grown });
  }
  Object.assign(manifest, { settings: request.settings, runner: request.runner });
}
