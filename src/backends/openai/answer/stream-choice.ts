/** Which answers are taken as streams. */
export interface StreamChoice {
  /** Decides whether the request that starts now is streamed. `end` is to be called when it is over. */
  start: () => { isStreamed: boolean; end: () => void };
  /**
   * Streams every request from now on: an unstreamed answer that took long without a sign of life was given up on the
   * way.
   */
  insist: () => void;
}

/** Up to this number of requests in flight all are streamed; beyond it, one in so many. */
const alwaysStreamed = 8;
const oneIn = 8;

/**
 * Streams cost a server much where answers are short: `vllm serve` (0.32, two cores, 10 tokens) gave 182 to 232 answers
 * a second as streams, 258 to 351 without. But a stream shows that the server lives, and when the first token came.
 * Signs of life on some requests do for all, so some are streamed.
 */
export function createStreamChoice(option: boolean | 'auto'): StreamChoice {
  let inFlight = 0;
  let streamed = 0;
  let isAll = option === true;
  const isNext = (): boolean => isAll || streamed < Math.max(alwaysStreamed, Math.ceil(inFlight / oneIn));
  return {
    start() {
      inFlight++;
      const isStreamed = option !== false && isNext();
      if (isStreamed) streamed++;
      return {
        isStreamed,
        end() {
          inFlight--;
          if (isStreamed) streamed--;
        },
      };
    },
    insist: () => (isAll = true),
  };
}
