import type { ProgressStream } from './progress.ts';

/** Says whether a line can be drawn again and again there. `TERM=dumb` is a terminal without a cursor that moves. */
export const canRedraw = ({ isTTY }: ProgressStream, { TERM: kind }: NodeJS.ProcessEnv): boolean =>
  isTTY === true && kind !== 'dumb';

/** Says whether this is a job of continuous integration: its terminal is a log that people read later. */
export const isCi = ({ CI: ci = '' }: NodeJS.ProcessEnv): boolean => ci !== '' && ci !== 'false' && ci !== '0';

/** Says whether the locale has more letters than ASCII. POSIX: the first of the three that is set counts, none is `C`. */
export function hasUnicode(environment: NodeJS.ProcessEnv, platform = process.platform): boolean {
  if (platform === 'win32') return true;
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || 'C';
  return /utf-?8/i.test(locale);
}

/** What stands between two things on one line. */
export const separatorFor = (environment: NodeJS.ProcessEnv): string => (hasUnicode(environment) ? '·' : '|');
