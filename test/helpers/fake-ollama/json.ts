export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A text, or '' for anything else. */
export const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');
