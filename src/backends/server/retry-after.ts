/** Milliseconds that a `Retry-After` header asks to wait: seconds, or a date. Null where it is neither. */
export function readRetryAfter(header: string | string[] | undefined): number | null {
  if (typeof header !== 'string' || header === '') return null;
  const seconds = Number(header);
  const milliseconds = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : null;
}
