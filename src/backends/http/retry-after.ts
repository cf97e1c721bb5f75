import { headerText } from './json-text.ts';

/** Milliseconds that a `Retry-After` header asks to wait: seconds, or a date. Null where it is neither. */
export function readRetryAfter(header: string | string[] | undefined): number | null {
  const text = headerText(header);
  if (text === '') return null;
  const seconds = Number(text);
  const milliseconds = Number.isNaN(seconds) ? Date.parse(text) - Date.now() : seconds * 1000;
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : null;
}
