/** How long prompts are, by the bytes of their lines in the input: those that are known tell of those that are still to come. */
export interface LineLengths {
  /** Takes the bytes of all lines that are still to do, at the start. */
  start(restBytes: number): void;
  /** Takes a request that has ended: bytes of its line, and prompt tokens that were computed for it; null where nobody counted. */
  add(bytes: number, tokens: number | null): void;
  /** By what the prompts of the rest are longer than those so far, as a factor; 1 where nothing tells. */
  factor(left: number): number;
}

/** Lines tell nothing before so many of them. */
const minLines = 20;
/** The rest is never taken for more than so many times as long, or for less than that part of it. */
const maxFactor = 20;

/** Fits a line through bytes and tokens, by least squares: a part of a prompt, such as a system prompt, may be in no line. */
export function createLineLengths(): LineLengths {
  const sums = { lines: 0, bytes: 0, tokens: 0, squares: 0, products: 0 };
  let restBytes: number | null = null;
  return {
    start(bytes) {
      restBytes = bytes;
    },
    add(bytes, promptTokens) {
      if (restBytes === null) return;
      restBytes = Math.max(0, restBytes - bytes);
      if (promptTokens === null) return;
      sums.lines++;
      sums.bytes += bytes;
      sums.tokens += promptTokens;
      sums.squares += bytes * bytes;
      sums.products += bytes * promptTokens;
    },
    factor(left) {
      const { lines, bytes, tokens, squares, products } = sums;
      const spread = squares - (bytes * bytes) / lines;
      if (restBytes === null || lines < minLines || left === 0 || tokens === 0) return 1;
      // Lines of one length tell nothing of longer ones: these are taken for as many times as long.
      const perByte = spread > 1e-9 * squares ? (products - (bytes * tokens) / lines) / spread : tokens / bytes;
      const more = Math.max(0, perByte) * (restBytes / left - bytes / lines);
      return Math.min(maxFactor, Math.max(1 / maxFactor, 1 + (more * lines) / tokens));
    },
  };
}
