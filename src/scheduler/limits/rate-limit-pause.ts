import type { Answer } from '../../core/completion.ts';
import type { Notify } from '../../core/events.ts';
import { formatDuration } from '../../text/format.ts';

/** The time in which the server wants to be sent nothing, by its rate limit: one for all workers. */
export interface RateLimitPause {
  isOn: () => boolean;
  /** Begins a pause, or makes it longer, where the server asks for that with its answer. */
  onAnswer: (answer: Answer) => void;
  /** Ends a pause without a word: nothing is sent any more anyway. */
  stop: () => void;
}

/** Longest pause in milliseconds: a server that asks for more is asked again all the same. */
const maxMs = 600_000;
/** Shortest pause in milliseconds that is announced: a shorter one is over before it is noticed. */
const silentMs = 1000;

export function createRateLimitPause({ notify, onEnd }: { notify: Notify; onEnd: () => void }): RateLimitPause {
  const pause = { timer: null as NodeJS.Timeout | null, endsAt: -Infinity, isAnnounced: false };
  const stop = (): void => {
    if (pause.timer !== null) clearTimeout(pause.timer);
    Object.assign(pause, { timer: null, isAnnounced: false });
  };
  const end = (): void => {
    stop();
    onEnd();
  };
  const announce = (pauseMs: number): void => {
    if (pause.isAnnounced || pauseMs <= silentMs) return;
    pause.isAnnounced = true;
    notify({ topic: 'rate-limit', text: `the server asks to wait: nothing is sent for ${formatDuration(pauseMs)}` });
  };
  return {
    isOn: () => pause.timer !== null,
    onAnswer(answer) {
      const pauseMs = Math.min(askedMs(answer), maxMs);
      const endsAt = performance.now() + pauseMs;
      if (pauseMs <= 0 || (pause.timer !== null && endsAt <= pause.endsAt)) return;
      if (pause.timer !== null) clearTimeout(pause.timer);
      pause.timer = setTimeout(end, pauseMs);
      pause.endsAt = endsAt;
      announce(pauseMs);
    },
    stop,
  };
}

function askedMs(answer: Answer): number {
  const asked = answer.pauseMs ?? 0;
  if (answer.status === 'completed') return asked;
  const isLimit = answer.kind === 'rate-limited' || answer.kind === 'overloaded';
  return isLimit ? Math.max(asked, answer.retryAfterMs ?? 0) : asked;
}
