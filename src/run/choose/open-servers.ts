import { sleep } from '../../async/sleep.ts';
import { EngineError, messageOf } from '../../core/errors.ts';
import type { Notify, ServerState } from '../../core/events.ts';
import type { Run } from '../run.ts';
import type { BackendCache } from './backend-cache.ts';
import type { BackendChoice } from './choose-backend.ts';
import type { ModeChoice } from './choose-mode.ts';
import { type OpenedBackend, openBestBackend } from './open-best-backend.ts';
import { addressesOf } from './server-addresses.ts';
import { namesOfSeveral } from './server-names.ts';

/** One of the servers of a run, opened or being opened. */
interface OpeningServer {
  /** A short name, for messages and results; null where there is only one. */
  name: string | null;
  /** Null: the run was stopped, or this server can't be used. Does not reject. */
  opened: Promise<OpenedBackend | null>;
}

export interface OpenServers {
  servers: OpeningServer[];
  /** The one that was open first. */
  first: OpenedBackend;
  /** Ends what is still being opened: nobody waits for it any more. */
  stopOpening: () => void;
}

interface Opening {
  model: string;
  mode: ModeChoice;
}

/** Time after which a server that could not be opened is tried again, in milliseconds. */
const againMs = 10_000;

/**
 * Opens the engine of a run at each of its servers, all at a time. Resolves when one is open, and goes on with the others: one
 * that is away is tried again and again. Null where the run was stopped meanwhile. Rejects where none can be opened.
 */
export async function openServers(
  run: Run,
  cache: BackendCache,
  choice: BackendChoice,
  opening: Opening,
): Promise<OpenServers | null> {
  const { connections } = run.request.runner;
  const addresses = addressesOf(choice.definition, connections, run.host.environment);
  const names = namesOfSeveral(choice.definition, connections);
  if (names.length > 0) run.emit({ type: 'servers', names });
  const stopping = new AbortController();
  const signal = AbortSignal.any([run.stop, stopping.signal]);
  const opens = addresses.map((address, index) => {
    const notify = notifyNamed(run.notifyOfEngine, names[index] ?? null);
    const open = (tell: Notify): Promise<OpenedBackend | null> =>
      openBestBackend(run, cache, choice, { ...opening, address, signal, notify: tell });
    const onState = (state: ServerState, reason: string): void =>
      run.emit({ type: 'server-state', state, reason, server: index });
    return { open, notify, onState, first: open(notify) };
  });
  const attempts = opens.map((server) => server.first);
  const needsAll = run.host.needsAllServers === true;
  const beginning = needsAll ? allOpened(attempts, names) : firstOpened(attempts);
  const first = await beginning.catch((error: unknown) => {
    stopping.abort();
    throw error;
  });
  if (first === null) return null;
  run.setEngine(first.backend);
  const servers = opens.map(({ first: attempt, ...server }, index) => ({
    name: names[index] ?? null,
    opened: attempt.catch((error: unknown) => openLater(error, { ...server, signal })),
  }));
  return { servers, first, stopOpening: () => stopping.abort() };
}

/** The first one that is open; null where the run was stopped. Rejects with the first one's error where all failed. */
async function firstOpened(attempts: readonly Promise<OpenedBackend | null>[]): Promise<OpenedBackend | null> {
  try {
    return await Promise.any(attempts);
  } catch {
    // With the error of the server that was named first.
    return attempts[0]!;
  }
}

/** The first one when all are open; null where the run was stopped. Rejects with the error of one that can't be opened. */
async function allOpened(
  attempts: readonly Promise<OpenedBackend | null>[],
  names: readonly string[],
): Promise<OpenedBackend | null> {
  const opened = await Promise.all(
    attempts.map((attempt, index) =>
      attempt.catch((error: unknown) => {
        const { [index]: name } = names;
        if (name === undefined || !(error instanceof EngineError)) throw error;
        throw new EngineError(error.kind, `${name}: ${error.message}`, error.hint);
      }),
    ),
  );
  return opened.includes(null) ? null : opened[0]!;
}

interface OpeningLater {
  open: (tell: Notify) => Promise<OpenedBackend | null>;
  notify: Notify;
  onState: (state: ServerState, reason: string) => void;
  signal: AbortSignal;
}

/** Tries a server again and again that could not be opened, unless that can't help. */
async function openLater(
  error: unknown,
  { open, notify, onState, signal }: OpeningLater,
): Promise<OpenedBackend | null> {
  const mayHelp = error instanceof EngineError && error.kind !== 'unauthorized';
  const hint = error instanceof EngineError && error.hint !== undefined ? ` ${error.hint}` : '';
  const next = mayHelp
    ? 'the run begins without it, and tries it again every 10 seconds'
    : 'the run continues without it';
  const [reason = ''] = messageOf(error).split('\n', 1);
  onState(mayHelp ? 'away' : 'out', reason);
  notify({ topic: 'engine', text: `can't be used (${messageOf(error)}): ${next}.${hint}` });
  if (!mayHelp) return null;
  while (!signal.aborted) {
    const later = whenOpened(notify);
    const opened = await sleep(againMs, signal)
      .then(() => open(later.notify))
      .catch(() => undefined);
    if (opened === undefined) continue;
    later.begin();
    return opened;
  }
  return null;
}

/** Keeps what is told of opening a server until it is open: of one that is away, all was told the first time. */
function whenOpened(notify: Notify): { notify: Notify; begin: () => void } {
  let kept: Parameters<Notify>[0][] | null = [];
  return {
    notify: (notice) => (kept === null ? notify(notice) : void kept.push(notice)),
    begin() {
      for (const notice of kept ?? []) notify(notice);
      kept = null;
    },
  };
}

/** The sentences of one server among several begin with its name. */
export const notifyNamed = (notify: Notify, name: string | null): Notify =>
  name === null ? notify : (notice) => notify({ ...notice, text: `${name}: ${notice.text}` });
