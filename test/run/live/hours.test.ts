import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { followHours } from '../../../src/run/live/follow-hours.ts';
import { parseHours } from '../../../src/run/live/hours.ts';

const { TZ: zone } = process.env;
afterEach(() => {
  vi.useRealTimers();
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

const at = (time: string): Date => new Date(`2026-03-10T${time}:00`);

test.each([
  ['22-07', ['22:00', '23:59', '00:00', '06:59'], ['07:00', '12:00', '21:59']],
  ['22:30-7', ['22:30', '06:59'], ['22:29', '07:00']],
  ['12-13, 20-24', ['12:00', '12:59', '20:00', '23:59'], ['13:00', '19:59', '00:00']],
  ['0-6:15', ['00:00', '06:14'], ['06:15', '23:59']],
])('%s', (text, within, outside) => {
  const { isWithin } = parseHours(text);
  expect(within.map((time) => isWithin(at(time)))).toEqual(within.map(() => true));
  expect(outside.map((time) => isWithin(at(time)))).toEqual(outside.map(() => false));
});

test.each(['', '22', '22-22', '25-7', '22:60-7', '24-7', '24:01-3', '0-24', '0-12,12-24', 'mon 22-7', '22-7;', '-1-7'])(
  'refuses "%s"',
  (text) => {
    expect(() => parseHours(text)).toThrow(`--hours can't be "${text}"`);
  },
);

test('the next change is right over the changes of summer time', () => {
  process.env['TZ'] = 'Europe/Berlin';
  const { nextChange } = parseHours('22-07');
  const next = (time: string): string => nextChange(new Date(time)).toISOString();
  expect(next('2026-03-10T12:00:00Z')).toBe('2026-03-10T21:00:00.000Z');
  // In the night of 29 March an hour is left out, in that of 25 October one comes twice.
  expect(next('2026-03-28T21:30:00Z')).toBe('2026-03-29T05:00:00.000Z');
  expect(next('2026-10-24T20:30:00Z')).toBe('2026-10-25T06:00:00.000Z');
  // An hour that begins in what is left out begins right behind it.
  expect(parseHours('2:30-7').nextChange(new Date('2026-03-29T00:00:00Z')).toISOString()).toBe(
    '2026-03-29T01:00:00.000Z',
  );
});

test('the run is told of the hours at once where they are over, and at each change', () => {
  vi.useFakeTimers();
  const clock = { now: at('21:00') };
  const told: (Date | null)[] = [];
  onTestFinished(
    followHours(
      '22-07',
      (until) => told.push(until),
      () => clock.now,
    ),
  );
  expect(told).toEqual([at('22:00')]);
  vi.advanceTimersByTime(5000);
  clock.now = at('22:00');
  vi.advanceTimersByTime(5000);
  expect(told).toEqual([at('22:00'), null]);
  // The computer slept for ten hours.
  clock.now = new Date('2026-03-11T08:00:00');
  vi.advanceTimersByTime(1000);
  expect(told.slice(2)).toEqual([new Date('2026-03-11T22:00:00')]);
});
