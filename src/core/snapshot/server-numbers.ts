import type { Distribution } from '../../data/distribution.ts';
import type { ServerState } from '../events.ts';
import { type FlatRates, type Rates, flatRates, ratesOf, unknownRates } from './rates.ts';

/** One of several servers of a run, in this session. A number is null where it was not measured. */
export interface ServerNumbers {
  /** Its address, short: `desktop:8000`. */
  name: string;
  /** starting: it is being opened, and takes no requests yet. */
  state: ServerState | 'starting';
  /** It is up and sent nothing new, since others use it and the run gives way. Absent otherwise. */
  givesWay?: true;
  /** Why it is away or out, as a sentence; null otherwise. */
  reason: string | null;
  /** Seconds that it has been in this state. */
  stateSeconds: number;
  /** Requests that it may have in flight. */
  workers: number;
  inFlight: number;
  /** Requests whose answer it gave. */
  answered: number;
  /** Requests that failed for good, with it as the last that had them. */
  failed: number;
  /** Attempts that failed there, those of requests that were answered later too. */
  failedAttempts: number;
  /** Its part of the requests that were answered, 0 to 1; null before the first one. */
  share: number | null;
  /** Rates since it takes part. */
  rates: Rates;
  /** Of its answers. */
  latencyMs: Distribution | null;
  /** Share of its prompt tokens that came from its cache, 0 to 1, over the attempts that report it. */
  cacheHitRate: number | null;
  /** How often it was away, or of no use and left out. */
  outages: number;
  /** Seconds that it was away or out. */
  awaySeconds: number;
  /** Seconds that it was up with nothing in flight, while the run had work and did not give way there. */
  idleSeconds: number;
}

/** The numbers of a server as the flat object that is printed and written, with its keys in camelCase. */
export interface FlatServer extends Omit<ServerNumbers, 'rates'>, FlatRates {}

export const flatServer = ({ rates, ...server }: ServerNumbers): FlatServer => ({ ...server, ...flatRates(rates) });

const unknownServer: FlatServer = {
  ...unknownRates,
  name: '',
  state: 'up',
  reason: null,
  stateSeconds: 0,
  workers: 0,
  inFlight: 0,
  answered: 0,
  failed: 0,
  failedAttempts: 0,
  share: null,
  latencyMs: null,
  cacheHitRate: null,
  outages: 0,
  awaySeconds: 0,
  idleSeconds: 0,
};

/** The numbers as they were kept; what is not there is not known. */
export function serverOf(kept: Partial<FlatServer>): ServerNumbers {
  const flat = { ...unknownServer, ...kept };
  const { name, state, givesWay, reason, stateSeconds, workers, inFlight } = flat;
  const { answered, failed, failedAttempts, share, latencyMs, cacheHitRate } = flat;
  const { outages, awaySeconds, idleSeconds } = flat;
  return {
    name,
    state,
    ...(givesWay === true && { givesWay }),
    reason,
    stateSeconds,
    workers,
    inFlight,
    answered,
    failed,
    failedAttempts,
    share,
    rates: ratesOf(flat),
    latencyMs,
    cacheHitRate,
    outages,
    awaySeconds,
    idleSeconds,
  };
}
