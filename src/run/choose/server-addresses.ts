import type { BackendDefinition } from '../../core/backend.ts';
import type { BackendAddress, Connection } from '../../core/connection.ts';
import { UsageError } from '../../core/errors.ts';

/** Does a connection name a server of this backend, or a cluster? */
export const namesPlaceOf = ({ connection: flags = {} }: BackendDefinition, connection: Connection): boolean =>
  Object.entries(flags).some(
    ([name, { names }]) => (names === 'server' || names === 'cluster') && (connection[name] ?? null) !== null,
  );

/** The flags that name these servers, as they are typed: `['--base-url', 'http://127.0.0.1:8000/v1']`. */
export const serverWords = (backends: readonly BackendDefinition[], connections: readonly Connection[]): string[] =>
  backends.flatMap(({ connection: flags = {} }) =>
    Object.entries(flags).flatMap(([name, { names, flag }]) =>
      connections.flatMap(({ [name]: value }) =>
        names === 'server' && typeof value === 'string' ? [flag.split(' ')[0] ?? flag, value] : [],
      ),
    ),
  );

/** The connections that name a server of this backend, or a cluster. Where none does there is one engine: where the environment says. */
export function connectionsOf(definition: BackendDefinition, connections: readonly Connection[]): Connection[] {
  const own = connections.filter((connection) => namesPlaceOf(definition, connection));
  if (own.length > 0) return own;
  // A key that is one server's own is for no other.
  return connections.slice(0, 1).map(({ apiKeyEnv: _key, ...others }) => others);
}

/** Where a backend looks for each of its servers, with the key that is that server's own. */
export const addressesOf = (
  definition: BackendDefinition,
  connections: readonly Connection[],
  environment: NodeJS.ProcessEnv,
): BackendAddress[] =>
  connectionsOf(definition, connections).map((connection) => ({
    connection,
    environment: withOwnKey(definition, connection, environment),
  }));

/** A server whose connection names a variable for its key (`apiKeyEnv`) gets that key, and no other; by null it gets none. */
function withOwnKey(
  { connection: flags = {} }: BackendDefinition,
  { apiKeyEnv: name }: Connection,
  environment: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  if (name === undefined) return environment;
  const key = typeof name === 'string' ? environment[name] : '';
  if (typeof name === 'string' && (key === undefined || key === ''))
    throw new UsageError(
      `the variable ${name}, which should have the key of a server, is not set`,
      `Set it: export ${name}=...`,
    );
  const secrets = Object.values(flags).flatMap(({ names, secrets: all = [] }) => (names === 'server' ? all : []));
  return { ...environment, ...Object.fromEntries(secrets.map((secret) => [secret, key])) };
}
