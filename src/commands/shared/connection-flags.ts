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

/** A flag that names a server can be given several times. */
export function addConnectionFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  for (const { flag, help, parse, names } of connectionFlags(backends)) {
    const option = new Option(flag, names === 'server' ? `${help}; repeatable` : help);
    command.addOption(
      option.argParser((text: string, before: unknown) => {
        const value = parseFlag(parse, text);
        return names === 'server' ? [...((before as unknown[] | undefined) ?? []), value] : value;
      }),
    );
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

/**
 * The connections that the command line asks for, in place of the earlier ones of a resumed run: one for each server. `flags`
 * is what commander made of the command line.
 */
export function askedConnections(
  flags: object,
  backends: readonly BackendDefinition[],
  earlier: readonly Connection[] = [{}],
): Connection[] {
  const { servers, others } = givenConnection(flags, backends);
  if (servers.length === 0) return earlier.map((connection) => ({ ...connection, ...others }));
  const ofServers = new Set([...serverFlags(backends).map(({ name }) => name), 'apiKeyEnv']);
  const kept = Object.entries(earlier[0] ?? {}).filter(([name]) => !ofServers.has(name));
  return servers.map((server) => ({ ...Object.fromEntries(kept), ...others, ...server }));
}

/** What was given of the connection flags: what names servers, one entry for each, and the rest, which is the same for all. */
function givenConnection(
  flags: object,
  backends: readonly BackendDefinition[],
): { servers: Connection[]; others: Connection } {
  const values: Record<string, unknown> = { ...flags };
  const others = connectionFlags(backends).filter(
    ({ name, names }) => names !== 'server' && values[name] !== undefined,
  );
  return {
    servers: givenServers(values, backends),
    others: Object.fromEntries(others.map(({ name }) => [name, values[name]])),
  };
}

/** Servers of two kinds in one run would be two backends: only where one of each is named may the model decide between them. */
function givenServers(values: Readonly<Record<string, unknown>>, backends: readonly BackendDefinition[]): Connection[] {
  const given = serverFlags(backends).flatMap((flag) => {
    const { [flag.name]: value } = values;
    return value === undefined ? [] : [{ flag, all: Array.isArray(value) ? (value as unknown[]) : [value] }];
  });
  const [first] = given;
  if (first === undefined) return [];
  if (given.length === 1) return first.all.map((value) => ({ [first.flag.name]: value }));
  const flags = given.map(({ flag }) => longFlag(flag)).join(' and ');
  if (given.some(({ all }) => all.length > 1))
    throw new UsageError(
      `${flags} name servers of two kinds, and a run has one backend`,
      'Give one of them, as often as you like.',
    );
  return [Object.fromEntries(given.map(({ flag, all: [value] }) => [flag.name, value]))];
}

const serverFlags = (backends: readonly BackendDefinition[]): OwnedFlag[] =>
  connectionFlags(backends).filter(({ names }) => names === 'server');

/** A flag of another engine than the one that is asked for would be dropped in silence. */
export function refuseForeignFlags(flags: { backend?: string }, backends: readonly BackendDefinition[]): void {
  const { backend = 'auto' } = flags;
  if (backend === 'auto') return;
  const given: Record<string, unknown> = { ...flags };
  const foreign = connectionFlags(backends).find(
    ({ name, owners }) => given[name] !== undefined && !owners.includes(backend),
  );
  if (foreign === undefined) return;
  throw new UsageError(`${longFlag(foreign)} is for ${foreign.owners.join(', ')}, and -b asks for ${backend}`);
}
