import type { Backend } from '../../core/backend.ts';
import { failure } from '../../core/completion.ts';
import { EngineError } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { sleep } from '../../async/sleep.ts';
import { formatSeconds } from '../../text/format.ts';
import type { TellState } from '../outages.ts';

/** The time in which an engine is out: it is of no use, and the others go on without it. */
export interface Absence {
  isOn: () => boolean;
  /** The engine is out from now on. It is asked again and again whether it is of use, unless asking can't help. */
  begin: (error: Error) => void;
  /** Nobody asks any longer. */
  stop: () => void;
}

export interface AbsenceOptions {
  backend: Pick<Backend, 'supervision'>;
  notify: Notify;
  onState: TellState;
  /** Called when the engine is of use again. */
  onReturn: () => void;
}

/**
 * Time between two questions in milliseconds: somebody is loading a model, or mending the machine. It doubles each time that the
 * engine is out again within a minute: it says that it is of use, and is not.
 */
const againMs = { first: 10_000, max: 300_000, soon: 60_000 };

export function createAbsence({ backend, notify, onState, onReturn }: AbsenceOptions): Absence {
  const stopping = new AbortController();
  let isOn = false;
  let waitMs = againMs.first;
  let returnedAt = -Infinity;

  const comeBack = async (error: Error): Promise<void> => {
    const { signal } = stopping;
    const asked = failure('connection', error.message);
    for (;;) {
      await sleep(waitMs, signal);
      const isOfUse = await backend.supervision?.recover?.(asked, signal).then(
        () => true,
        () => false,
      );
      signal.throwIfAborted();
      if (isOfUse === true) break;
    }
    isOn = false;
    returnedAt = performance.now();
    onState('up');
    notify({ topic: 'outage', text: 'it is of use again, and takes requests' });
    onReturn();
  };
  return {
    isOn: () => isOn,
    begin(error) {
      if (isOn) return;
      isOn = true;
      const isSoon = performance.now() - returnedAt < againMs.soon;
      waitMs = isSoon ? Math.min(againMs.max, waitMs * 2) : againMs.first;
      const [sentence = ''] = error.message.split('\n', 1);
      onState('out', sentence);
      const mayReturn = backend.supervision?.recover !== undefined && !isFinal(error);
      const next = mayReturn
        ? `it is asked again every ${formatSeconds(waitMs / 1000)}`
        : 'it is not asked again in this run';
      const hint = error instanceof EngineError && error.hint !== undefined ? ` ${error.hint}` : '';
      notify({ topic: 'outage', text: `left out (${sentence}): the others continue, and ${next}.${hint}` });
      if (mayReturn) void comeBack(error).catch(() => undefined);
    },
    stop: () => stopping.abort(),
  };
}

/** A refused key stays refused. */
const isFinal = (error: Error): boolean => error instanceof EngineError && error.kind === 'unauthorized';
