/** Characters that a terminal acts on, that end a line, that are invisible, or that change the direction of text. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const unprintableInLines = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text from data, as one line: what can't be printed is shown as an escape (`\x1b`); cut at `length`. */
export function printable(text: string, length = Infinity): string {
  const clean = text.replaceAll(unprintable, escapeOf);
  const characters = clean.length > length ? Array.from(clean) : [];
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : clean;
}

/** Escapes a text of several lines as `printable` does, but keeps its line ends and tabs. */
export const printableLines = (text: string): string => text.replaceAll(unprintableInLines, escapeOf);

/** Says whether a text can be shown on one line as it is. */
export const isPrintable = (text: string): boolean => text.search(unprintable) === -1;

/** Escapes a JSON text by JSON's own escapes, so that it still means the same. */
export const printableJson = (json: string): string =>
  json.replaceAll(unprintableInLines, (character) =>
    Array.from({ length: character.length }, (_, at) => `\\u${hexadecimal(character.charCodeAt(at), 4)}`).join(''),
  );

const short: Record<string, string> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` };

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code > 0xff_ff) return `\\u{${hexadecimal(code, 5)}}`;
  return short[character] ?? (code > 0xff ? `\\u${hexadecimal(code, 4)}` : `\\x${hexadecimal(code, 2)}`);
}

const hexadecimal = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
