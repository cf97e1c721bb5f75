import { changesEngine, changesOnlyRetries, changesOptions, findDrift } from '../journal/manifest/find-drift.ts';
import { shardFlag } from '../data/shard.ts';
import type { Engines } from './engines.ts';
import { adoptOutput } from './files/adopt-output.ts';
import { inputDrift } from './files/open-manifest.ts';
import { type Drift, settleDrift } from './files/settle-drift.ts';
import type { Run } from './run.ts';

const grown = 'the input has grown at its end since the run began; the new lines are taken too';

/**
 * Refuses, or with `--allow-drift` records, another setting or another input than the run began with. Told once the input
 * could be read, and the engine opened where it is another one. Returns the differences that are accepted.
 */
export async function checkDrift(run: Run, engines: Engines): Promise<string[]> {
  const { request, manifest, input, notify } = run;
  const { isNew, isAdopted, wasFinished } = run.origin;
  const accepted: string[] = [];
  if (isAdopted) {
    const { drift, note } = await adoptOutput(request, input);
    accepted.push(
      ...(await settleDrift(manifest, { settings: drift, input: [], isOfRetries: false, wasFinished }, request)),
    );
    notify({ topic: 'manifest', text: note });
  }
  if (!isNew) {
    const { drift: ofInput, hasGrown } = inputDrift(manifest, input.identity());
    const ofRows = [...shardDrift(run), ...failedOfDrift(run)];
    const drift: Drift = {
      settings: [...findDrift(manifest.settings, request.settings), ...ofRows],
      input: ofInput,
      isOfRetries: ofRows.length === 0 && changesOnlyRetries(manifest.settings, request.settings),
      wasFinished,
    };
    const isRefused = drift.settings.length + ofInput.length > 0 && !request.allowDrift;
    if (isRefused) await checkEngine(run, engines);
    accepted.push(...(await settleDrift(manifest, drift, request)));
    if (hasGrown) notify({ topic: 'input', text: grown });
  }
  Object.assign(manifest, { settings: request.settings, runner: request.runner, shard: request.shard ?? null });
  manifest.failedOf = request.failedOf ?? null;
  return accepted;
}

/** A model, or an option, that there is not is told of first. Nothing is loaded only to refuse another option. */
async function checkEngine({ manifest, request }: Run, engines: Engines): Promise<void> {
  const [before, now] = [manifest.settings, request.settings];
  if (changesEngine(before, now)) await engines.openFirst();
  else if (changesOptions(before, now)) await engines.checkOptions();
}

/** Another shard has other requests: its results are not those that the output is for. */
function shardDrift({ manifest, request }: Pick<Run, 'manifest' | 'request'>): string[] {
  const [before, now] = [manifest.shard, request.shard ?? null].map((shard) =>
    shard === null ? 'none' : shardFlag(shard),
  );
  return before === now ? [] : [`--shard ${before} → ${now}`];
}

function failedOfDrift({ manifest, request }: Pick<Run, 'manifest' | 'request'>): string[] {
  const [before, now] = [manifest.failedOf, request.failedOf ?? null];
  return before === now ? [] : [`--failed-of ${before ?? 'none'} → ${now ?? 'none'}`];
}
