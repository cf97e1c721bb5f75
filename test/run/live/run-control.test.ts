import { expect, test } from 'vitest';
import { createRunControl } from '../../../src/run/live/run-control.ts';

function open() {
  const told: string[] = [];
  const pauses: boolean[] = [];
  const control = createRunControl(
    ({ text }) => told.push(text),
    (event) => event.type === 'pause' && pauses.push(event.isPaused),
  );
  return { control, told, pauses };
}

const until = new Date('2026-03-10T22:00:00');

test('the hours and a pause by hand are two causes', () => {
  const { control, told, pauses } = open();
  control.setHours('22-07', until);
  expect(control.paused()).toMatchObject({ by: 'the hours 22-07', until: until.toISOString() });
  control.pause('me');
  expect(control.paused()).toMatchObject({ by: 'me', until: null });
  control.setHours('22-07', null);
  expect(control.paused()).toMatchObject({ by: 'me' });
  expect(told.at(-1)).toBe('the hours 22-07 have begun: it stays paused, by me');
  control.setHours('22-07', until);
  control.resume('you');
  expect(control.paused()).toMatchObject({ by: 'the hours 22-07' });
  expect(told.at(-1)).toBe('the pause is ended by you: outside the hours, the run continues at 2026-03-10 22:00:00');
  control.setHours('22-07', null);
  expect([control.paused(), pauses]).toEqual([null, [true, false]]);
});

test('a resume outside of the hours lasts until they end the next time', () => {
  const { control, told, pauses } = open();
  control.setHours('22-07', until);
  control.resume('me');
  expect(control.paused()).toBeNull();
  control.setHours('22-07', null);
  expect(told.at(-1)).toBe('me ends the pause outside the hours: the run continues');
  control.setHours('22-07', until);
  expect(control.paused()).not.toBeNull();
  expect(pauses).toEqual([true, false, true]);
});
