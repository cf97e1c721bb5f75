import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import type { Connection, ConnectionFlag } from '../../core/connection.ts';
import { UsageError } from '../../core/errors.ts';

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

/** The flag without its value: `--host`. */
export const longFlag = ({ flag }: ConnectionFlag): string => flag.split(' ')[0] ?? flag;

export function addConnectionFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  for (const { flag, help, parse } of connectionFlags(backends)) {
    command.addOption(new Option(flag, help).argParser((text: string) => parseFlag(parse, text)));
  }
  return command;
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

/** What was given of the connection flags, by their names; `flags` is what commander made of the command line. */
export function givenConnection(flags: object, backends: readonly BackendDefinition[]): Connection {
  const values: Record<string, unknown> = { ...flags };
  const names = connectionFlags(backends).map(({ name }) => name);
  return Object.fromEntries(
    names.filter((name) => values[name] !== undefined).map((name) => [name, values[name]] as const),
  );
}

/** A flag of another engine than the one that is asked for would be dropped in silence. */
export function refuseForeignFlags(flags: { backend?: string }, backends: readonly BackendDefinition[]): void {
  const { backend = 'auto' } = flags;
  if (backend === 'auto') return;
  const given = givenConnection(flags, backends);
  const foreign = connectionFlags(backends).find(({ name, owners }) => name in given && !owners.includes(backend));
  if (foreign === undefined) return;
  throw new UsageError(`${longFlag(foreign)} is for ${foreign.owners.join(', ')}, and -b asks for ${backend}`);
}
