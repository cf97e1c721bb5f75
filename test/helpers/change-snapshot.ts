import type { Snapshot } from '../../src/core/snapshot.ts';

type Changes = { [Part in keyof Omit<Snapshot, 'servers'>]?: Partial<Snapshot[Part]> } & Partial<
  Pick<Snapshot, 'servers'>
>;

/** The same snapshot with some of its numbers changed. */
export const changeSnapshot = (snapshot: Snapshot, changes: Changes): Snapshot => ({
  progress: { ...snapshot.progress, ...changes.progress },
  rates: { ...snapshot.rates, ...changes.rates },
  tokens: { ...snapshot.tokens, ...changes.tokens },
  times: { ...snapshot.times, ...changes.times },
  errors: { ...snapshot.errors, ...changes.errors },
  machine: { ...snapshot.machine, ...changes.machine },
  servers: changes.servers === undefined ? snapshot.servers : changes.servers,
});
