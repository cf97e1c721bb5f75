import { stripVTControlCharacters } from 'node:util';

/** A server's text for a message: on one line, without what a terminal would act on, or what turns the order of its letters. */
export const oneLine = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/[\s\u2028\u2029]*[\n\r\t\u2028\u2029]\s*/g, ' ')
    .replaceAll(/[\p{Cc}\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu, '');
