/** What a terminal acts on, what ends a line, what nobody sees, and what turns the order of letters. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const unprintableInLines = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text from data, as one line: what can't be printed is shown as an escape (`\x1b`); cut at `length`. */
export function printable(text: string, length = Infinity): string {
  const clean = text.replaceAll(unprintable, escapeOf);
  const characters = clean.length > length ? Array.from(clean) : [];
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : clean;
}

/** The same for a text of ours that holds data: its lines, and the tabs in them, stay. */
export const printableLines = (text: string): string => text.replaceAll(unprintableInLines, escapeOf);

/** Is all of a text what one line shows? */
export const isPrintable = (text: string): boolean => text.search(unprintable) === -1;

/** The same for a text that is JSON, which has an escape of its own: it means the same after. */
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
