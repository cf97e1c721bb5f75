import type { BackendDefinition } from '../../../core/backend.ts';
import { UsageError } from '../../../core/errors.ts';
import { retryFactsOf, retrySteps } from '../../../report/failures/retry-steps.ts';
import { pathWord } from '../../../text/command-line.ts';
import { formatCounted, quoteForShell } from '../../../text/format.ts';
import type { FoundRun } from '../../../journal/manifest/find-manifest.ts';
import { type Manifest, isOwnManifest } from '../../../journal/manifest/manifest.ts';
import { isInRunFolder } from '../../../journal/manifest/run-folder.ts';
import { openSealKey } from '../../../journal/manifest/seal.ts';
import { findRuns } from '../../../journal/manifest/started-runs.ts';
import type { Connection } from '../../../core/connection.ts';
import { tell } from '../print.ts';
import { namesServers } from '../connection/asked-connections.ts';
import { type OwnedFlag, connectionFlags, longFlag, serverFlags } from '../connection/flags.ts';

/** What a file of somebody else's can ask for: the engine and where it is. */
type AskedReach = Pick<Manifest, 'settings' | 'runner'>;

/** Did a run of this user's write the manifest, as it is now? Others may name any program and any server. */
export const isOwnRun = async ({ manifestPath }: FoundRun): Promise<boolean> =>
  // llmbatch 0.1 sealed nothing, but only this user writes into the user's own state folder.
  isInRunFolder(manifestPath, process.env) || isOwnManifest(manifestPath, await openSealKey(process.env));

/** The newest run of this folder that is wanted, and that this user started. */
export async function findOwnRun(
  isWanted: (run: FoundRun) => boolean,
  backends: readonly BackendDefinition[],
): Promise<FoundRun> {
  const all = await findRuns(process.cwd(), process.env);
  const found = all.filter(isWanted);
  for (const run of found) if (await isOwnRun(run)) return run;
  const [other] = found;
  if (other !== undefined) throw refusal(other, backends);
  throw new UsageError(
    'no unfinished run was started in this folder',
    retryHint(all[0]) ?? 'Name an output, or start one with: llmbatch run <input>',
  );
}

/** How to try again what failed in the newest run of the folder, which is finished; null where nothing failed in it. */
function retryHint(newest: FoundRun | undefined): string | null {
  const { manifest, output } = newest ?? {};
  const { progress, errors } = manifest?.summary ?? {};
  if (manifest === undefined || output === undefined || errors === undefined || !progress?.failed) return null;
  const [step] = retrySteps(errors, retryFactsOf(manifest, output));
  if (step === undefined) return null;
  const failed = formatCounted(progress.failed, 'request');
  return `${pathWord(output)} is finished, with ${failed} failed. To try them again (${step.reason}): ${step.command}`;
}

const refusal = ({ manifestPath, manifest, output }: FoundRun, backends: readonly BackendDefinition[]): UsageError =>
  new UsageError(
    `nothing was run: ${manifestPath} was not written by you on this machine, or was changed since. It asks for ${reachOf(manifest, backends)}`,
    `If you want that, name the output: llmbatch resume ${quoteForShell(output)}`,
  );

/**
 * Describes what a manifest would start and where it would send the requests, as the flags that say the same, and which
 * variables hold keys that it would send.
 */
function reachOf({ settings, runner }: AskedReach, backends: readonly BackendDefinition[]): string {
  const flags = [
    ['-b', settings.backend],
    ['-m', settings.model],
    ...runner.connections.flatMap((connection) =>
      connectionFlags(backends)
        .filter(({ names }) => names !== 'devices')
        .map((flag) => [longFlag(flag), textOf(connection[flag.name])] as const),
    ),
    ...Object.entries(settings.options).map(([name, value]) => ['--option', `${name}=${String(value)}`]),
  ];
  const words = flags.flatMap(([flag, value]) => (value === null ? [] : [`${flag} ${quoteForShell(value)}`]));
  const keys = keysNamedBy(runner, backends).map(({ variable, server }) => `${variable} as the key of ${server}`);
  return [words.join(' '), ...(keys.length === 0 ? [] : [`with ${keys.join(', ')}`])].join(', ');
}

interface NamedKey {
  variable: string;
  server: string;
}

/** The variables that a manifest names, and the servers that would get what they hold. */
function keysNamedBy({ connections }: Manifest['runner'], backends: readonly BackendDefinition[]): NamedKey[] {
  const flags = serverFlags(backends);
  return connections.flatMap((connection) => {
    const { apiKeyEnv: variable } = connection;
    if (typeof variable !== 'string') return [];
    const servers = flags.flatMap(({ name }) => textOf(connection[name]) ?? []);
    return [{ variable, server: servers.join(', ') || 'an unnamed server' }];
  });
}

/**
 * Refuses a run that is not this user's own and names variables for the keys of its servers: they could hold anything that
 * is in the environment. Servers of the command line take the place of those of the manifest.
 */
function refuseNamedKeys({ runner }: AskedReach, { flags, backends, file, way }: OthersContext): void {
  const named = namesServers(flags, backends) ? [] : keysNamedBy(runner, backends);
  if (named.length === 0) return;
  const variables = [...new Set(named.map(({ variable }) => variable))].join(', ');
  throw new UsageError(
    `nothing was sent: only ${file} says which servers get the values of ${variables}`,
    `If you want that, name the servers and the variables yourself: ${way}`,
  );
}

interface OthersContext extends Omit<KeySources, 'environment'> {
  /** What began there: `this run`. */
  what: string;
  /** What asks: `its manifest`. */
  file: string;
  /** The command in which the user names the servers himself. */
  way: string;
}

/** Naming it is the user's word for what somebody else's file asks for; the user's keys it does not get by that. */
export function withholdKeys(asked: AskedReach, context: OthersContext): void {
  const { what, file, backends, flags } = context;
  tell(
    `${what} was not started by you on this machine, or ${file} was changed since; it asks for ${reachOf(asked, backends)}`,
  );
  refuseNamedKeys(asked, context);
  for (const key of withheldKeys(asked, { flags, backends, environment: process.env })) {
    // The programs that are started must not find it either.
    delete process.env[key];
    tell(`${key} is not sent: only ${file} names the server. To send it, name the server with a flag or a variable`);
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : (JSON.stringify(value) ?? null));

interface KeySources {
  /** What commander made of the command line. */
  flags: object;
  environment: NodeJS.ProcessEnv;
  backends: readonly BackendDefinition[];
}

/**
 * The keys of the environment that a run which is not this user's own must not get: a key goes only to a server that
 * the command line or the environment names, and to no program that neither names.
 */
function withheldKeys({ settings, runner }: AskedReach, { flags, environment, backends }: KeySources): string[] {
  const given: Record<string, unknown> = { ...flags };
  const all = connectionFlags(backends);
  const hasServers = namesServers(flags, backends);
  const isForeign = ({ name, names, variable = '' }: OwnedFlag, { [name]: value }: Connection): boolean =>
    value !== undefined &&
    given[name] === undefined &&
    !(names === 'server' && hasServers) &&
    environment[variable] !== value;
  const foreign = all.filter((flag) => runner.connections.some((connection) => isForeign(flag, connection)));
  // A program can read whatever is in the environment.
  const startsProgram = 'server' in settings.options || foreign.some(({ names }) => names === 'program');
  const keys = (startsProgram ? all : foreign).flatMap(({ secrets = [] }) => secrets);
  return keys.filter((key) => environment[key] !== undefined);
}
