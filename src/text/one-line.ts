import { stripVTControlCharacters } from 'node:util';

/** No message is longer, nor is a failure known by what comes after; and a server may send much. */
const maxCharacters = 8000;

/**
 * A server's text for a message: on one line, without what a terminal would act on, or what turns the order of its
 * letters.
 */
export const oneLine = (text: string): string =>
  stripVTControlCharacters(text.slice(0, maxCharacters))
    // Each run of blanks is looked at once: a pattern that looks for a line feed within takes the square of its length.
    .replaceAll(/\s+/g, (blanks) => (/[\n\r\t\u2028\u2029]/.test(blanks) ? ' ' : blanks))
    .replaceAll(/[\p{Cc}\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu, '');
