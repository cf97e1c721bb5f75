import { UsageError } from '../../core/errors.ts';

/** A part of each day in minutes from midnight, local time; one that ends before it begins goes on over midnight. */
interface DayPart {
  from: number;
  to: number;
}

/** The hours of each day in which a run works. */
export interface Hours {
  isWithin: (time: Date) => boolean;
  /** The next minute at which `isWithin` changes: the local clock is looked up minute by minute, so that summer time is right. */
  nextChange: (time: Date) => Date;
}

const dayMinutes = 24 * 60;
const minuteMs = 60_000;

/** Reads `22-07`, `22:30-07`, or several with commas. Throws a `UsageError` where the text is no such thing, or leaves no time out. */
export function parseHours(text: string): Hours {
  const parts = text.split(',').map((part) => parsePart(part.trim(), text));
  const isIn = (minute: number): boolean =>
    parts.some(({ from, to }) => (from < to ? from <= minute && minute < to : minute >= from || minute < to));
  if (Array.from({ length: dayMinutes }, (_, minute) => minute).every(isIn)) throw badHours(text);
  const isWithin = (time: Date): boolean => isIn(time.getHours() * 60 + time.getMinutes());
  return {
    isWithin,
    nextChange(time) {
      const is = isWithin(time);
      let at = Math.floor(time.getTime() / minuteMs) * minuteMs;
      while (isWithin(new Date(at)) === is) at += minuteMs;
      return new Date(at);
    },
  };
}

function parsePart(part: string, text: string): DayPart {
  const [, fromHour, fromMinute, toHour, toMinute] = /^(\d{1,2})(?::(\d\d))?-(\d{1,2})(?::(\d\d))?$/.exec(part) ?? [];
  const from = minuteOf(fromHour, fromMinute);
  const to = minuteOf(toHour, toMinute);
  if (from === null || to === null || from === dayMinutes || from === to) throw badHours(text);
  return { from, to };
}

/** Minutes from midnight; 24:00 is the end of the day. Null where there is no such time. */
function minuteOf(hour: string | undefined, minute = '0'): number | null {
  const [hours, minutes] = [Number(hour), Number(minute)];
  return hours * 60 + minutes <= dayMinutes && minutes < 60 ? hours * 60 + minutes : null;
}

const badHours = (text: string): UsageError =>
  new UsageError(
    `--hours can't be "${text}"`,
    'Expected hours of the day, such as 22-07, 22:30-7 or 12-13,20-24, which leave some time out; or always.',
  );
