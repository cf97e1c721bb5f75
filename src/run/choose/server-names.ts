import type { BackendDefinition } from '../../core/backend.ts';
import type { Connection } from '../../core/connection.ts';
import { connectionsOf, namesPlaceOf } from './server-addresses.ts';

/**
 * A short name for each server of a run, by its address: `desktop:8000` for `http://desktop:8000/v1`. Where two would have the
 * same one, their whole addresses. An address holds no secret: its flag refused that.
 */
function serverNames({ connection = {} }: BackendDefinition, connections: readonly Connection[]): string[] {
  const flags = Object.entries(connection).filter(([, { names }]) => names === 'server');
  const addresses = connections.map((given) => {
    const [name] = flags.find(([flag]) => given[flag] !== undefined) ?? [];
    return name === undefined ? 'here' : String(given[name]);
  });
  const short = addresses.map(shortAddress);
  return short.map((name, index) =>
    short.indexOf(name) === short.lastIndexOf(name) ? name : (addresses[index] ?? name),
  );
}

/** The names of the servers that a backend has in a run; none where it has only one. */
export function namesOfSeveral(definition: BackendDefinition, connections: readonly Connection[]): string[] {
  const own = connectionsOf(definition, connections);
  return own.length === 1 ? [] : serverNames(definition, own);
}

/** The same before a backend is chosen: several servers are all of one kind. */
export function namesOfAsked(
  backends: readonly BackendDefinition[],
  asked: string,
  connections: readonly Connection[],
): string[] {
  const isOfServers = (definition: BackendDefinition): boolean =>
    connections.some((connection) => namesPlaceOf(definition, connection));
  const definition = backends.find(({ name }) => name === asked) ?? backends.find(isOfServers);
  return definition === undefined ? [] : namesOfSeveral(definition, connections);
}

/** `desktop:8000` for `http://desktop:8000/v1`. */
export const shortAddress = (address: string): string =>
  address.replace(/^https?:\/\//i, '').replace(/\/(v1)?\/*$/, '');
