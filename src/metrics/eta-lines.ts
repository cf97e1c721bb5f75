import { weightOf } from './eta-speed.ts';

/** How long prompts and answers are, by the bytes of their lines in the input: those that are known tell of those still to come. */
export interface LineLengths {
  /** Takes the bytes of all lines that are still to do, at the start. */
  start(restBytes: number): void;
  /**
   * Takes a request that has ended: bytes of its line, prompt tokens that were computed for it and tokens of its answer; null where
   * nobody counted.
   */
  add(bytes: number, prompt: number | null, answer: number | null): void;
  /** By what the prompts of the rest are longer than those so far, as a factor; 1 where nothing tells. */
  prompts(left: number): number;
  /**
   * By what the answers of those that wait are longer than the others, as a factor; 1 where nothing tells. `inFlight`: bytes of the
   * lines in flight.
   */
  answers(left: number, inFlight: readonly number[]): number;
}

/** Lines tell nothing before so many of them. */
const minLines = 20;
/** The rest is never taken for more than so many times as long, or for less than that part of it. */
const maxFactor = { prompts: 20, answers: 2 };

/** Fits lines through bytes and tokens, by least squares: a part of a prompt, such as a system prompt, may be in no line. */
export function createLineLengths(): LineLengths {
  const prompts = createLineFit();
  const answers = createLineFit();
  let restBytes: number | null = null;
  return {
    start(bytes) {
      restBytes = bytes;
    },
    add(bytes, prompt, answer) {
      if (restBytes === null) return;
      restBytes = Math.max(0, restBytes - bytes);
      if (prompt !== null) prompts.add(bytes, prompt);
      if (answer !== null) answers.add(bytes, answer);
    },
    prompts(left) {
      const fit = prompts.read();
      if (restBytes === null || fit === null || left === 0) return 1;
      // Lines of one length tell nothing of longer ones: these are taken for as many times as long.
      const perByte = Math.max(0, fit.perByte ?? fit.tokens / fit.bytes);
      return factorOf(
        (perByte * (restBytes / left - fit.bytes / fit.lines) * fit.lines) / fit.tokens,
        maxFactor.prompts,
      );
    },
    answers(left, inFlight) {
      const fit = answers.read();
      const waiting = left - inFlight.length;
      if (restBytes === null || fit === null || fit.perByte === null || waiting <= 0) return 1;
      const bytesInFlight = inFlight.reduce((sum, bytes) => sum + bytes, 0);
      const more = (restBytes - bytesInFlight) / waiting - (fit.bytes + bytesInFlight) / (fit.lines + inFlight.length);
      const known = weightOf(fit.apart, 2) * fit.perByte * more;
      return factorOf((known * fit.lines) / fit.tokens, maxFactor.answers);
    },
  };
}

const factorOf = (more: number, max: number): number => Math.min(max, Math.max(1 / max, 1 + more));

interface LineFit {
  lines: number;
  bytes: number;
  tokens: number;
  /** Tokens that another byte brings, null where all lines are as long, and how many standard errors that is. */
  perByte: number | null;
  apart: number;
}

function createLineFit() {
  const sums = { lines: 0, bytes: 0, tokens: 0, bytes2: 0, products: 0, tokens2: 0 };
  return {
    add(bytes: number, tokens: number): void {
      sums.lines++;
      sums.bytes += bytes;
      sums.tokens += tokens;
      sums.bytes2 += bytes * bytes;
      sums.products += bytes * tokens;
      sums.tokens2 += tokens * tokens;
    },
    /** Null before there are enough lines, and where nothing is in them. */
    read(): LineFit | null {
      const { lines, bytes, tokens, bytes2, products, tokens2 } = sums;
      if (lines < minLines || tokens === 0) return null;
      const spread = bytes2 - (bytes * bytes) / lines;
      if (spread <= 1e-9 * bytes2) return { lines, bytes, tokens, perByte: null, apart: 0 };
      const perByte = (products - (bytes * tokens) / lines) / spread;
      const unexplained = Math.max(1e-9, tokens2 - (tokens * tokens) / lines - perByte * perByte * spread);
      const error = Math.sqrt(unexplained / (lines - 2) / spread);
      return { lines, bytes, tokens, perByte, apart: Math.abs(perByte) / error };
    },
  };
}
