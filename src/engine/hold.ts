import type { Answer } from '../core/completion.ts';
import type { Emit } from '../core/events.ts';
import { formatDuration } from '../core/format.ts';

/** Times in which the server wants to be sent nothing: one for all lanes. */
export interface Hold {
  isOn: () => boolean;
  /** Begins a hold, or makes it longer, where the server asks for that with its answer. */
  onAnswer: (answer: Answer) => void;
  stop: () => void;
}

/** A server that asks for more than this is asked again all the same. */
const mostMs = 600_000;
/** A shorter one is over before anybody wonders. */
const silentMs = 1000;

export function createHold({ emit, onEnd }: { emit: Emit; onEnd: () => void }): Hold {
  const hold = { timer: null as NodeJS.Timeout | null, endsAt: -Infinity, isSaid: false };
  const stop = (): void => {
    if (hold.timer !== null) clearTimeout(hold.timer);
    Object.assign(hold, { timer: null, isSaid: false });
  };
  const end = (): void => {
    stop();
    onEnd();
  };
  const say = (holdMs: number): void => {
    if (hold.isSaid || holdMs <= silentMs) return;
    hold.isSaid = true;
    emit({ type: 'notice', text: `the server asks to wait: nothing is sent for ${formatDuration(holdMs)}` });
  };
  return {
    isOn: () => hold.timer !== null,
    onAnswer(answer) {
      const holdMs = Math.min(askedMs(answer), mostMs);
      const endsAt = performance.now() + holdMs;
      if (holdMs <= 0 || (hold.timer !== null && endsAt <= hold.endsAt)) return;
      if (hold.timer !== null) clearTimeout(hold.timer);
      hold.timer = setTimeout(end, holdMs);
      hold.endsAt = endsAt;
      say(holdMs);
    },
    stop,
  };
}

function askedMs(answer: Answer): number {
  const asked = answer.holdMs ?? 0;
  if (answer.status === 'completed') return asked;
  const isLimit = answer.kind === 'rate-limited' || answer.kind === 'overloaded';
  return isLimit ? Math.max(asked, answer.retryAfterMs ?? 0) : asked;
}
