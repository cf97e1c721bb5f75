import { UsageError } from '../../core/errors.ts';
import { quoteForShell } from '../../text/format.ts';
import type { RunnerSettings } from '../../core/settings.ts';
import type { FoundRun } from '../../journal/manifest/find-manifest.ts';
import { type Manifest, isOwnManifest } from '../../journal/manifest/manifest.ts';
import { isInRunFolder } from '../../journal/manifest/run-folder.ts';
import { openSealKey } from '../../journal/manifest/seal.ts';
import { findRuns } from '../../journal/manifest/started-runs.ts';

/** Did a run of this user's write the manifest, as it is now? Others may name any program and any server. */
export const isOwnRun = async ({ manifestPath }: FoundRun): Promise<boolean> =>
  // llmbatch 0.1 sealed nothing, but only this user writes into the user's own state folder.
  isInRunFolder(manifestPath, process.env) || isOwnManifest(manifestPath, await openSealKey(process.env));

/** The newest run of this folder that is wanted, and that this user started. */
export async function findOwnRun(isWanted: (run: FoundRun) => boolean): Promise<FoundRun> {
  const found = (await findRuns(process.cwd(), process.env)).filter(isWanted);
  for (const run of found) if (await isOwnRun(run)) return run;
  const [other] = found;
  if (other !== undefined) throw refusal(other);
  throw new UsageError(
    'no unfinished run was started in this folder',
    'Name an output, or start one with: llmbatch run <input>',
  );
}

const refusal = ({ manifestPath, manifest, output }: FoundRun): UsageError =>
  new UsageError(
    `nothing was run: ${manifestPath} was not written by you here, or was changed since. It asks for ${reachOf(manifest)}`,
    `Where that is what you want, name the output: llmbatch resume ${quoteForShell(output)}`,
  );

/** Describes what a manifest would start and where it would send the requests, as the flags that say the same. */
export function reachOf({ settings, runner }: Manifest): string {
  const flags = [
    ['-b', settings.backend],
    ['-m', settings.model],
    ['--python', runner.python],
    ['--host', runner.host],
    ['--base-url', runner.baseUrl],
    ...Object.entries(settings.options).map(([name, value]) => ['--option', `${name}=${String(value)}`]),
  ];
  return flags
    .flatMap(([flag, value]) => (value === null ? [] : [`${flag} ${quoteForShell(String(value))}`]))
    .join(' ');
}

/** Addresses that a manifest may hold, the variable that says the same, and the key that would go there. */
const addresses = [
  ['baseUrl', 'OPENAI_BASE_URL', 'OPENAI_API_KEY'],
  ['host', 'OLLAMA_HOST', 'OLLAMA_API_KEY'],
] as const;

type Places = Partial<Pick<RunnerSettings, 'baseUrl' | 'host' | 'python'>>;

/**
 * The keys of the environment that a run which is not this user's own must not get: a key goes only to a server that
 * the command line or the environment names, and to no program that neither names.
 */
export function withheldKeys({ settings, runner }: Manifest, flags: Places, environment: NodeJS.ProcessEnv): string[] {
  const startsProgram = 'server' in settings.options || (runner.python !== null && flags.python === undefined);
  const isForeign = (name: 'baseUrl' | 'host', variable: string): boolean =>
    runner[name] !== null && flags[name] === undefined && environment[variable] !== runner[name];
  const withheld = addresses.filter(([name, variable]) => startsProgram || isForeign(name, variable));
  const keys = [...withheld.map(([, , key]) => key), ...(startsProgram ? ['HF_TOKEN'] : [])];
  return keys.filter((key) => environment[key] !== undefined);
}
