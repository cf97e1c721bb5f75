import type { BackendDefinition } from '../../../core/backend.ts';
import type { Connection } from '../../../core/connection.ts';
import { UsageError } from '../../../core/errors.ts';
import { type OwnedFlag, connectionFlags, foreignError, longFlag, refuseForeignFlags, serverFlags } from './flags.ts';
import { readServers } from './servers-file.ts';

/** What commander made of the command line, of which only the connection flags are read here. */
type ConnectionFlagValues = object & {
  servers?: string;
  backend?: string;
  /** The servers are named by somebody who may not say where the user's keys go. */
  isKeyless?: boolean;
};

/** A server as it was asked for. */
interface GivenServer {
  flag: OwnedFlag;
  /** What named it: `--host`, or a line of the file. */
  by: string;
  connection: Connection;
}

/** Names the command line a server? Then it names them all. */
export const namesServers = (flags: ConnectionFlagValues, backends: readonly BackendDefinition[]): boolean =>
  flags.servers !== undefined ||
  serverFlags(backends).some(({ name }) => (flags as Record<string, unknown>)[name] !== undefined);

/**
 * The connections that the command line asks for, in place of the earlier ones of a resumed run: one for each server. Throws
 * a `UsageError` for a flag of another backend than the one that is asked for.
 */
export async function askedConnections(
  flags: ConnectionFlagValues,
  backends: readonly BackendDefinition[],
  earlier: readonly Connection[] = [{}],
): Promise<Connection[]> {
  refuseForeignFlags(flags, backends);
  const servers = await givenServers(flags, backends);
  const others = otherValues(flags, backends);
  if (servers.length === 0) return earlier.map((connection) => ({ ...connection, ...others }));
  const ofServers = new Set([...serverFlags(backends).map(({ name }) => name), 'apiKeyEnv']);
  const kept = Object.entries(earlier[0] ?? {}).filter(([name]) => !ofServers.has(name));
  return servers.map((server) => ({ ...Object.fromEntries(kept), ...others, ...server }));
}

/** What was given of the flags that are the same for all servers. */
function otherValues(flags: ConnectionFlagValues, backends: readonly BackendDefinition[]): Connection {
  const values: Record<string, unknown> = { ...flags };
  const others = connectionFlags(backends).filter(
    ({ name, names }) => names !== 'server' && values[name] !== undefined,
  );
  return Object.fromEntries(others.map(({ name }) => [name, values[name]]));
}

async function givenServers(
  flags: ConnectionFlagValues,
  backends: readonly BackendDefinition[],
): Promise<Connection[]> {
  const all = serverFlags(backends);
  const withoutKey = (connection: Connection): Connection =>
    flags.isKeyless === true ? { ...connection, apiKeyEnv: null } : connection;
  const ofFlags = all.flatMap((flag) => serversOfFlag(flag, (flags as Record<string, unknown>)[flag.name]));
  const ofFile = flags.servers === undefined ? [] : await serversOfFile(flags.servers, all);
  refuseOthers(ofFile, flags.backend ?? 'auto');
  const given = [...ofFlags, ...ofFile];
  const kinds = new Set(given.map(({ flag }) => flag.name));
  // Where one of each is named the model may decide between them.
  if (kinds.size > 1 && kinds.size === given.length && ofFile.length === 0)
    return [withoutKey(Object.assign({}, ...given.map(({ connection }) => connection)) as Connection)];
  if (kinds.size > 1) throw twoKinds(given);
  refuseTwice(given);
  return given.map(({ connection }) => withoutKey(connection));
}

function serversOfFlag(flag: OwnedFlag, value: unknown): GivenServer[] {
  if (value === undefined) return [];
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  return values.map((one) => ({ flag, by: longFlag(flag), connection: { [flag.name]: one } }));
}

async function serversOfFile(path: string, all: readonly OwnedFlag[]): Promise<GivenServer[]> {
  const servers = await readServers(path, all, process.env);
  return servers.map(({ line, flag, connection }) => ({
    flag: all.find(({ name }) => name === flag)!,
    by: `line ${line} of ${path}`,
    connection,
  }));
}

function refuseOthers([server]: readonly GivenServer[], backend: string): void {
  if (server === undefined || backend === 'auto' || server.flag.owners.includes(backend)) return;
  throw foreignError(`what ${server.by} names`, server.flag.owners, backend);
}

/** Servers of two kinds in one run would be two backends. */
function twoKinds(given: readonly GivenServer[]): UsageError {
  const firsts = given.filter((one, index) => given.findIndex(({ flag }) => flag === one.flag) === index);
  return new UsageError(
    `${firsts.map(({ by }) => by).join(' and ')} name servers of two kinds, but a run has only one backend`,
    'Use only one of them. You can repeat it.',
  );
}

/** A server that is named twice would get twice the requests at once. */
function refuseTwice(given: readonly GivenServer[]): void {
  const addressOf = ({ flag, connection: { [flag.name]: value } }: GivenServer): string =>
    flag.identify?.(value) ?? String(value);
  const addresses = given.map(addressOf);
  const second = addresses.findIndex((address, index) => addresses.indexOf(address) < index);
  if (second === -1) return;
  const by = [given[addresses.indexOf(addresses[second]!)]!.by, given[second]!.by];
  throw new UsageError(
    `the server ${addresses[second]} is named twice (${[...new Set(by)].join(', and ')})`,
    'Name each server once. To send more requests to it at once, use --workers.',
  );
}
