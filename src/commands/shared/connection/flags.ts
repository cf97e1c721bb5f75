import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BackendDefinition } from '../../../core/backend.ts';
import type { ConnectionFlag } from '../../../core/connection.ts';
import { UsageError } from '../../../core/errors.ts';
import { parseVramLimit } from '../parse-values.ts';
import { serverKeys } from './servers-file.ts';

/** A connection flag, the name of its value, and the backends that have it. */
export interface OwnedFlag extends ConnectionFlag {
  name: string;
  owners: string[];
}

/** The connection flags of all backends, each once. */
export function connectionFlags(backends: readonly BackendDefinition[]): OwnedFlag[] {
  const flags = new Map<string, OwnedFlag>();
  for (const { name: owner, connection = {} } of backends) {
    for (const [name, flag] of Object.entries(connection)) {
      const known = flags.get(name);
      if (known === undefined) flags.set(name, { ...flag, name, owners: [owner] });
      else known.owners.push(owner);
    }
  }
  return [...flags.values()];
}

/** Those that name a server: each can be given several times. */
export const serverFlags = (backends: readonly BackendDefinition[]): OwnedFlag[] =>
  connectionFlags(backends).filter(({ names }) => names === 'server');

/** Those that name a cluster, which is one place. */
export const clusterFlags = (backends: readonly BackendDefinition[]): OwnedFlag[] =>
  connectionFlags(backends).filter(({ names }) => names === 'cluster');

/** The flag without its value: `--host`. */
export const longFlag = ({ flag }: Pick<ConnectionFlag, 'flag'>): string => flag.split(' ')[0] ?? flag;

/** Flags about where the engine is and about its memory; a resume may change them too. */
export function addEngineFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  return addConnectionFlags(command, backends)
    .option(
      '--vram-limit <size|share>',
      'GPU memory limit for each GPU; near it, histories are trimmed, then workers are halved, then the run pauses: 14GiB, 90%, none (default: auto, 87.5%, or what the model alone takes)',
      parseVramLimit,
    )
    .option('--unload', 'free the model at the end, if the engine would keep it loaded')
    .option('--force-histories', 'conversation: one history per worker, even if the engine has fewer slots');
}

/** All connection flags of the backends, and `--servers`. */
export function addConnectionFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  addServerFlags(command, backends);
  for (const flag of connectionFlags(backends)) if (flag.names !== 'server') addFlag(command, flag);
  return command;
}

/** The flags that name servers, and `--servers`. */
function addServerFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  const flags = serverFlags(backends);
  for (const flag of flags) addFlag(command, flag);
  if (flags.length === 0) return command;
  const forms = serverKeys(flags).map((key) => `{"${key}": ...}`);
  return command.option(
    '--servers <file>',
    `JSONL file with one server per line: ${forms.join(' or ')}, and "api_key_env", the name of the variable with its key`,
  );
}

/** The flags that name a place: servers, and `--servers`, or a cluster. */
export function addPlaceFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  addServerFlags(command, backends);
  for (const flag of clusterFlags(backends)) addFlag(command, flag);
  return command;
}

function addFlag(command: Command, { flag, help, parse, names }: ConnectionFlag): void {
  const option = new Option(flag, names === 'server' ? `${help}; repeatable` : help);
  command.addOption(
    option.argParser((text: string, before: unknown) => {
      const value = parseFlag(parse, text);
      return names === 'server' ? [...((before as unknown[] | undefined) ?? []), value] : value;
    }),
  );
}

/** An error that needs no hint is told as those of other flags are: behind the flag and its value. */
function parseFlag(parse: ConnectionFlag['parse'], text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof UsageError && error.hint === undefined) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** A flag of another engine than the one that is asked for would be dropped in silence. */
export function refuseForeignFlags(flags: { backend?: string }, backends: readonly BackendDefinition[]): void {
  const { backend = 'auto' } = flags;
  if (backend === 'auto') return;
  const given: Record<string, unknown> = { ...flags };
  const foreign = connectionFlags(backends).find(
    ({ name, owners }) => given[name] !== undefined && !owners.includes(backend),
  );
  if (foreign !== undefined) throw foreignError(longFlag(foreign), foreign.owners, backend);
}

export const foreignError = (flag: string, owners: readonly string[], backend: string): UsageError =>
  new UsageError(`${flag} is a flag of ${owners.join(', ')}, but -b names ${backend}`);
