/** The usual time of an engine's answers, and how long there was none. Times are milliseconds. */
export interface AnswerPace {
  /** Something is sent; `isFirst`: with nothing else in flight. */
  onSend: (isFirst: boolean) => void;
  /** `latencyMs` of a success; null of a failure. */
  onAnswer: (latencyMs: number | null) => void;
  /** Null before the first success. */
  usualMs: () => number | null;
  /** Time since the last answer, or since it began to work. */
  silentMs: () => number;
}

/** Weight of the last answer in the usual time of one. */
const weight = 0.1;

export function createAnswerPace(): AnswerPace {
  let usualMs: number | null = null;
  let answeredAt = performance.now();
  return {
    onSend(isFirst) {
      if (isFirst) answeredAt = performance.now();
    },
    onAnswer(latencyMs) {
      answeredAt = performance.now();
      if (latencyMs === null) return;
      usualMs = usualMs === null ? latencyMs : usualMs + (latencyMs - usualMs) * weight;
    },
    usualMs: () => usualMs,
    silentMs: () => performance.now() - answeredAt,
  };
}
