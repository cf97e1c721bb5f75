import { UsageError } from '../../core/errors.ts';

/**
 * Reads the API key from an environment variable; null where there is none. A key that no header can carry is refused
 * before anything is sent, and is not quoted in the message.
 */
export function bearerKey(variable: string, environment: NodeJS.ProcessEnv): string | null {
  const key = environment[variable]?.trim() ?? '';
  if (/[^\x21-\x7e]/.test(key)) {
    throw new UsageError(
      `${variable} contains a character that a key cannot have`,
      'Set it again, without spaces or quotes.',
    );
  }
  return key || null;
}

/** A warning for a key that would be sent unencrypted; null where only the server can see it. */
export const openKeyWarning = (
  variable: string,
  place: { url: string; isLocal: boolean; key: string | null },
): string | null =>
  place.key !== null && !place.isLocal && place.url.startsWith('http:')
    ? `warning: ${variable} goes to ${new URL(place.url).host} without encryption (http)`
    : null;

/** An address that holds a key goes into files and messages: it is refused, and not repeated. */
export function refuseSecrets(address: string, what: string, variable: string): void {
  const problem = address.includes('@')
    ? 'holds a user name'
    : /[?#]/.test(address)
      ? 'has more than a path (after ? or #)'
      : null;
  if (problem !== null) throw new UsageError(`${what} ${problem}`, `Give a key with the variable ${variable}.`);
}
