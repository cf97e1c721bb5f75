/** What was made so far. */
export interface Made {
  /** The length of all answers, those in flight too. */
  length: number;
  /** Prompt tokens that were computed, as far as the engine tells of them. */
  prompt: number;
  /** Answers that are being written now. */
  writing: number;
}

export interface SpeedPoint extends Made {
  atMs: number;
  /** Sum of the seconds that answers were written. */
  written: number;
}

/** Keeps what was made at some times of a run: each of the last seconds, and fewer times of all before. */
export interface SpeedPoints {
  /** Says whether the point is one that stays: a second has passed since the one before. */
  add(atMs: number, made: Made): boolean;
  last(): SpeedPoint | null;
  /** Edges of equal parts of the last so many milliseconds, the oldest first. */
  edges(windowMs: number): SpeedPoint[];
  /** Edges of equal parts of the whole run. */
  edgesOfRun(): SpeedPoint[];
}

/** SpeedPoints are kept a second apart, for so many seconds. */
const keptSeconds = 90;
/** Of the whole run there are no more than so many. */
const keptOfRun = 64;
const parts = 6;

export function createSpeedPoints(): SpeedPoints {
  const recent: SpeedPoint[] = [];
  let ofRun: SpeedPoint[] = [];
  let everyMs = 1000;
  let last: SpeedPoint | null = null;

  const keepOfRun = (point: SpeedPoint): void => {
    if (ofRun.length > 0 && point.atMs - ofRun.at(-1)!.atMs < everyMs) return;
    ofRun.push(point);
    if (ofRun.length < keptOfRun) return;
    ofRun = ofRun.filter((_, index) => index % 2 === 0);
    everyMs *= 2;
  };
  return {
    add(atMs, made) {
      const seconds = last === null ? 0 : (atMs - last.atMs) / 1000;
      last = { ...made, atMs, written: (last?.written ?? 0) + made.writing * seconds };
      if (recent.length > 0 && atMs - recent.at(-1)!.atMs < 1000) return false;
      recent.push(last);
      if (recent.length > keptSeconds) recent.shift();
      keepOfRun(last);
      return true;
    },
    last: () => last,
    edges: (windowMs) => (last === null ? [] : edgesOf(recent, last, windowMs)),
    edgesOfRun: () => (last === null ? [] : edgesOf(ofRun, last, Infinity)),
  };
}

function edgesOf(points: readonly SpeedPoint[], last: SpeedPoint, windowMs: number): SpeedPoint[] {
  const startMs = Math.max(points[0]!.atMs, last.atMs - windowMs);
  const partMs = (last.atMs - startMs) / parts;
  const inner = Array.from({ length: parts }, (_, part) => points.find(({ atMs }) => atMs >= startMs + part * partMs));
  return [...new Set([...inner.filter((point) => point !== undefined), last])];
}
