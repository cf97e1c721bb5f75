/**
 * `schema_version` of every JSON object that a command prints. Keys may be added to an object at any time; the version changes
 * where one goes away, or gets another meaning.
 */
export const jsonVersion = 1;

const none: ReadonlySet<string> = new Set();

/**
 * Copies a value with its keys in snake_case, as in every JSON that llmbatch prints or writes. `OOM` and `rate-limited`
 * stay as they are, and so does whatever lies under one of the `opaque` keys: it belongs to the user or to an engine.
 */
export const snakeKeys = (value: unknown, opaque = none): unknown => renamed(value, snakeCase, opaque);

/** Copies a value with its keys in camelCase, as the code has them: the reverse of `snakeKeys`. */
export const camelKeys = (value: unknown, opaque = none): unknown => renamed(value, camelCase, opaque);

function renamed(value: unknown, rename: (key: string) => string, opaque: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename, opaque));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      rename(key),
      opaque.has(key) ? inner : renamed(inner, rename, opaque),
    ]),
  );
}

const snakeCase = (name: string): string =>
  name.replace(/(?<=[a-z0-9])[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

const camelCase = (name: string): string =>
  name.replace(/(?<=[a-z0-9])_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
