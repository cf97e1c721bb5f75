import { compactJson } from './json-text.ts';

/**
 * The JSON of an answer as the model wrote it. The value that was recorded beside it went through numbers, which rounds
 * long ones, so it counts only where the JSON is not found in the text.
 */
export function asWritten(text: string, parsed: string): string {
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  const candidates = [text.trim(), text.slice(Math.max(0, text.search(/[[{]/)), end + 1)];
  // Most need no parsing: only their blanks differ.
  return candidates.find((each) => compactJson(each) === parsed || canonical(each) === parsed) ?? parsed;
}

/** The JSON as it is recorded; null where the text is not JSON. */
export function canonical(text: string): string | null {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return null;
  }
}
