/** Points are kept a second apart, for so many seconds. */
const keptSeconds = 90;
const parts = 6;
/** Nobody knows better than this how fast an engine will be. */
const minError = 0.04;

interface SpeedReading {
  /** Length that all answers together gain in a second. */
  speed: number;
  /** Its relative standard error. */
  error: number;
  /** Answers that were written at the same time, on average over the window. */
  width: number;
}

/** What was made so far. */
interface Made {
  /** The length of all answers, those in flight too. */
  length: number;
  /** Prompt tokens that were computed, as far as the engine tells of them. */
  prompt: number;
  /** Answers that are being written now. */
  writing: number;
}

/** How fast answers grow. */
export interface Speed {
  add(atMs: number, made: Made): void;
  /** How much longer answers would be for the time that a prompt token takes; 0 where prompts are not told or cost nothing. */
  promptCost(): number;
  /**
   * Null in the first seconds, and where nothing grows. `isTail`: nothing waits, so that fewer and fewer are written, and only
   * the last window counts.
   */
  read(windowMs: number, isTail: boolean): SpeedReading | null;
}

interface Point extends Made {
  atMs: number;
  /** Sum of the seconds that answers were written. */
  written: number;
}

/**
 * The speed of the whole run counts, which is known best, until that of the last window refutes it: the further they are apart, in
 * standard errors of the window, the more the window counts.
 */
export function createSpeed(): Speed {
  const points: Point[] = [];
  const cost = createPromptCost();
  let first: Point | null = null;
  let last: Point | null = null;
  return {
    add(atMs, made) {
      const seconds = last === null ? 0 : (atMs - last.atMs) / 1000;
      if (last !== null) cost.add(seconds, made.prompt - last.prompt, made.length - last.length);
      last = { ...made, atMs, written: (last?.written ?? 0) + made.writing * seconds };
      first ??= last;
      const newest = points.at(-1);
      if (newest === undefined || atMs - newest.atMs >= 1000) points.push(last);
      if (points.length > keptSeconds) points.shift();
    },
    promptCost: () => cost.read(),
    read(windowMs, isTail) {
      if (first === null || last === null) return null;
      const edges = edgesOf(points, last, isTail ? windowMs / 4 : windowMs);
      if (edges.length <= 2) return null;
      const between = (from: Point, to: Point): number => {
        const made = to.length - from.length + cost.read() * (to.prompt - from.prompt);
        return made === 0 ? 0 : made / (isTail ? to.written - from.written : secondsBetween(from, to));
      };
      const [start, end] = [edges[0]!, last];
      const recent = between(start, end);
      const speeds = edges.slice(1).map((edge, index) => between(edges[index]!, edge));
      const error = Math.max(standardError(speeds, recent), minError * recent);
      const speed = isTail ? recent : blend(between(first, end), recent, error);
      const width = (end.written - start.written) / secondsBetween(start, end);
      const all = isTail ? speed * width : speed;
      return all > 0 && width > 0 ? { speed: all, error: Math.min(1, error / speed), width } : null;
    },
  };
}

/** Edges of the parts of the window, the oldest first. */
function edgesOf(points: readonly Point[], last: Point, windowMs: number): Point[] {
  const startMs = Math.max(points[0]!.atMs, last.atMs - windowMs);
  const partMs = (last.atMs - startMs) / parts;
  const inner = Array.from({ length: parts }, (_, part) => points.find(({ atMs }) => atMs >= startMs + part * partMs));
  return [...new Set([...inner.filter((point) => point !== undefined), last])];
}

const secondsBetween = (from: Point, to: Point): number => (to.atMs - from.atMs) / 1000;

function standardError(values: readonly number[], mean: number): number {
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/** James and Stein's way: two standard errors are no reason, far more are one. */
function blend(all: number, recent: number, error: number): number {
  const apart = Math.abs(recent - all) / error;
  const weight = apart <= 2 ? 0 : 1 - (2 / apart) ** 2;
  return all + weight * (recent - all);
}

/** Least squares of the time over the prompt tokens and the answers' tokens that it took. */
function createPromptCost() {
  let [pp, pg, gg, pt, gt] = [0, 0, 0, 0, 0];
  return {
    add(seconds: number, prompt: number, generated: number): void {
      pp += prompt * prompt;
      pg += prompt * generated;
      gg += generated * generated;
      pt += prompt * seconds;
      gt += generated * seconds;
    },
    read(): number {
      const ofPrompt = pt * gg - gt * pg;
      const ofAnswer = gt * pp - pt * pg;
      return ofPrompt > 0 && ofAnswer > 0 ? Math.min(ofPrompt / ofAnswer, 100) : 0;
    },
  };
}
