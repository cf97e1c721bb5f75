import type { Answer } from '../../core/completion.ts';
import type { Notify } from '../../core/notice.ts';
import { formatDuration } from '../../text/format.ts';

/** Times in which the server wants to be sent nothing: one for all workers. */
export interface RateLimitPause {
  isOn: () => boolean;
  /** Begins a hold, or makes it longer, where the server asks for that with its answer. */
  onAnswer: (answer: Answer) => void;
  stop: () => void;
}

/** A server that asks for more than this is asked again all the same. */
const maxMs = 600_000;
/** A shorter one is over before anybody wonders. */
const silentMs = 1000;

export function createRateLimitPause({ notify, onEnd }: { notify: Notify; onEnd: () => void }): RateLimitPause {
  const hold = { timer: null as NodeJS.Timeout | null, endsAt: -Infinity, isSaid: false };
  const stop = (): void => {
    if (hold.timer !== null) clearTimeout(hold.timer);
    Object.assign(hold, { timer: null, isSaid: false });
  };
  const end = (): void => {
    stop();
    onEnd();
  };
  const say = (pauseMs: number): void => {
    if (hold.isSaid || pauseMs <= silentMs) return;
    hold.isSaid = true;
    notify({ topic: 'rate-limit', text: `the server asks to wait: nothing is sent for ${formatDuration(pauseMs)}` });
  };
  return {
    isOn: () => hold.timer !== null,
    onAnswer(answer) {
      const pauseMs = Math.min(askedMs(answer), maxMs);
      const endsAt = performance.now() + pauseMs;
      if (pauseMs <= 0 || (hold.timer !== null && endsAt <= hold.endsAt)) return;
      if (hold.timer !== null) clearTimeout(hold.timer);
      hold.timer = setTimeout(end, pauseMs);
      hold.endsAt = endsAt;
      say(pauseMs);
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
