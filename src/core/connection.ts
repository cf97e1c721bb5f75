import { UsageError } from './errors.ts';

/**
 * What the user said of where an engine is, and of what it runs on: values by the names of the backends' connection flags,
 * only those that were given, and `apiKeyEnv`: the variable that holds the key of the server; null: it gets none. Connections are
 * kept in files, so no secret is among them.
 */
export type Connection = Readonly<Record<string, unknown>>;

/** Where a backend looks for its engine: what flags say, and behind them the environment. */
export interface BackendAddress {
  connection: Connection;
  environment: NodeJS.ProcessEnv;
}

/**
 * A flag of an engine's own that says where the engine is, or what it runs on. A flag that several engines have is one object,
 * which each of them lists.
 */
export interface ConnectionFlag {
  /** The flag as `--help` shows it: `--host <address>`. */
  readonly flag: string;
  /** What `--help` says of it. */
  readonly help: string;
  /** What the flag names. A manifest of another user's must not send keys to a server, or start a program, unseen. */
  readonly names: 'server' | 'program' | 'devices' | 'cluster';
  /** The environment variable that says the same; absent where there is none. */
  readonly variable?: string;
  /** Environment variables whose secrets are sent to what the flag names, or can be read by it. */
  readonly secrets?: readonly string[];
  /**
   * Makes the value for `Connection` of the command line's text; a value that it made, it takes again. Throws a `UsageError`,
   * also for an address that holds a secret, which it does not repeat. One without a hint is shown behind the flag's text.
   */
  readonly parse: (value: unknown) => unknown;
  /** Makes one text of all values that name the same server. Absent: only equal values do. */
  readonly identify?: (value: unknown) => string;
}

/** Name of the variable that holds the key of a server: its own, else the usual one. */
export const keyVariable = ({ apiKeyEnv }: Connection, usual: string): string =>
  typeof apiKeyEnv === 'string' ? apiKeyEnv : usual;

/** The text that was given for a flag; null where none was. A connection read from a file may hold anything else too. */
export function givenText(connection: Connection, name: string): string | null {
  const value = connection[name] ?? null;
  if (value === null || typeof value === 'string') return value;
  throw new UsageError(`the connection's "${name}" is not a text: ${JSON.stringify(value)}`);
}
