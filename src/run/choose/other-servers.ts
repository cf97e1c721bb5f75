import type { BackendDefinition } from '../../core/backend.ts';
import type { Connection, ConnectionFlag } from '../../core/connection.ts';
import { shortAddress } from './server-names.ts';

interface NamedServer {
  name: string;
  /** The same for all ways to write its address. */
  identity: string;
}

/** Tells that a run goes on with other servers than it had; null where they are the same ones. */
export function describeOtherServers(
  before: readonly Connection[],
  now: readonly Connection[],
  backends: readonly BackendDefinition[],
): string | null {
  const [earlier, later] = [before, now].map((connections) => namedServers(connections, backends));
  if (identities(earlier) === identities(later)) return null;
  const what = later?.length === 1 ? 'another server' : 'other servers';
  return `${what} than before: ${listOf(later)} (before: ${listOf(earlier)})`;
}

const identities = (servers: readonly NamedServer[] = []): string =>
  JSON.stringify(servers.map(({ identity }) => identity).toSorted());

const listOf = (servers: readonly NamedServer[] = []): string =>
  servers.length === 0 ? 'what the environment names' : servers.map(({ name }) => name).join(', ');

function namedServers(connections: readonly Connection[], backends: readonly BackendDefinition[]): NamedServer[] {
  const flags = new Map(backends.flatMap(({ connection = {} }) => Object.entries(connection)));
  return connections.flatMap((connection) =>
    Object.entries(connection).flatMap(([name, value]) => {
      const flag = flags.get(name);
      if (flag?.names !== 'server') return [];
      return [{ name: shortAddress(String(value)), identity: identityOf(flag, value) }];
    }),
  );
}

function identityOf({ identify = String }: ConnectionFlag, value: unknown): string {
  try {
    return identify(value);
  } catch {
    // What a manifest holds may be anything, and it is replaced here.
    return String(value);
  }
}
