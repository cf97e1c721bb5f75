import type { BackendDefinition } from '../../core/backend.ts';
import type { Connection } from '../../core/connection.ts';

/**
 * A short name for each server of a run, by its address: `desktop:8000` for `http://desktop:8000/v1`. Where two would have the
 * same one, their whole addresses. An address holds no secret: its flag refused that.
 */
export function serverNames({ connection = {} }: BackendDefinition, connections: readonly Connection[]): string[] {
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

/** `desktop:8000` for `http://desktop:8000/v1`. */
export const shortAddress = (address: string): string =>
  address.replace(/^https?:\/\//i, '').replace(/\/(v1)?\/*$/, '');
