import type { BatchRequest } from '../../core/request.ts';
import type { FlightEntry } from '../in-flight.ts';

/** What the engines of a run know of each other. */
export interface Member {
  /** Number of the engine among those of the run, from 0. */
  readonly engine: number;
  /** It takes requests now. */
  isOpen: () => boolean;
  /** It is out: nothing is sent to it before it is of use again. */
  isOut: () => boolean;
  /** Requests that it may have in flight. */
  workers: () => number;
  inFlight: () => number;
  /** Usual time of an answer in milliseconds; null before the first one. */
  usualMs: () => number | null;
  /** Milliseconds since it answered last, or began to work. */
  silentMs: () => number;
  /** Ends attempts so that others take them: those that are wanted, the oldest first, so many at most. */
  giveAway: (isWanted: (entry: FlightEntry, ageMs: number) => boolean, max: number) => number;
}

/** The engines of a run, which share its requests. */
export interface Team {
  /** Has the run more engines than one, whether or not they are there yet? */
  readonly hasSeveral: boolean;
  join: (member: Member) => void;
  /** Is there another engine that takes requests now, and answers them? */
  hasTaker: (member: Member) => boolean;
  /** Is there another one that is not out? */
  hasOther: (member: Member) => boolean;
  /** Is none of these engines (0-based) to be waited for, since all are out? */
  areOut: (engines: readonly number[]) => boolean;
  /** Is it worth while that this engine begins one more of the requests that are left? */
  mayBegin: (member: Member, left: number) => boolean;
  /** Nothing is left to begin: what idle engines would be through with much sooner is taken from those that have it. */
  balance: () => void;
}

/** `engines`: how many the run has, with those that are still being opened. */
export function createTeam(engines: number): Team {
  const members: Member[] = [];
  const given = new WeakMap<BatchRequest, number>();
  const othersOf = (member: Member): Member[] => members.filter((other) => other !== member);
  return {
    hasSeveral: engines > 1,
    join: (member) => void members.push(member),
    hasTaker: (member) => members.some((other) => other !== member && other.isOpen() && !isLate(other)),
    hasOther: (member) => members.some((other) => other !== member && !other.isOut()),
    areOut: (asked) => members.every((member) => !asked.includes(member.engine) || member.isOut()),
    mayBegin: (member, left) => members.length === 1 || isWorthWhile(member, othersOf(member), left),
    balance() {
      for (const idle of members.filter(hasRoom).toSorted((left, right) => usual(left) - usual(right))) {
        for (const busy of othersOf(idle)) {
          const room = idle.workers() - idle.inFlight();
          if (room > 0) busy.giveAway((entry, ageMs) => isBetterGiven(entry, ageMs, { idle, busy }), room);
        }
      }
    },
  };

  function isBetterGiven({ request }: FlightEntry, ageMs: number, { idle, busy }: Record<'idle' | 'busy', Member>) {
    // Ever more seldom: what takes long everywhere would go round and round.
    const times = given.get(request) ?? 0;
    const gainMs = Math.max(minGainMs, worthwhileFactor * usual(idle)) * againFactor ** times;
    if (restMs(busy, ageMs) < gainMs) return false;
    given.set(request, times + 1);
    return true;
  }
}

/** A request is taken from an engine only where at least so much time is won, in milliseconds, and so many times the usual time. */
const minGainMs = 1000;
const worthwhileFactor = 2;
/** It is taken a further time only where so many times more is won. */
const againFactor = 8;
/** An answer is late after so many times the usual time, and after a second; the first one, which may wait for a model, after a minute. */
const lateFactor = 3;
const firstLateMs = 60_000;

const usual = (member: Member): number => member.usualMs() ?? Infinity;

const hasRoom = (member: Member): boolean =>
  member.isOpen() && member.usualMs() !== null && member.inFlight() < member.workers() && !isLate(member);

/** Time that an attempt of this age may still take: what lasts longer than usual is expected to last half as long again. */
const restMs = (busy: Member, ageMs: number): number => Math.max((busy.usualMs() ?? 0) - ageMs, ageMs / 2);

/** An engine that should have answered long since is not counted on. */
function isLate(member: Member): boolean {
  if (member.inFlight() === 0) return false;
  const usualMs = member.usualMs();
  return member.silentMs() > (usualMs === null ? firstLateMs : Math.max(minGainMs, lateFactor * usualMs));
}

/**
 * Near the end a slow engine would keep all others waiting with its last request. It begins none where the others will be
 * through with all that is left before it would be with that one.
 */
function isWorthWhile(member: Member, others: readonly Member[], left: number): boolean {
  const ownMs = member.usualMs();
  if (ownMs === null || left === Infinity) return true;
  let perMs = 0;
  let soonestMs = Infinity;
  for (const other of others) {
    const otherMs = other.usualMs();
    if (otherMs === null || otherMs === 0 || !other.isOpen() || isLate(other)) continue;
    perMs += other.workers() / otherMs;
    soonestMs = Math.min(soonestMs, otherMs);
  }
  return perMs === 0 || ownMs <= left / perMs + soonestMs;
}
