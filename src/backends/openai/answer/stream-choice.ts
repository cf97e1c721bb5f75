/** Which answers are taken as streams. */
export interface StreamChoice {
  /** Decides whether the request that starts now is streamed. `end` is to be called when it is over. */
  start: () => { isStreamed: boolean; end: () => void };
  /** Counts tokens that came on a stream. */
  add: (tokens: number) => void;
  /**
   * Streams every request from now on: an unstreamed answer that took long without a sign of life was given up on the
   * way.
   */
  insist: () => void;
}

/** Up to this number of requests in flight all are streamed; beyond it, one in so many at least. */
const alwaysStreamed = 8;
const oneIn = 8;
/** All are streamed too while all streams together bring fewer tokens a second: such a server has the time for it. */
const cheapRate = 500;
/** Time constant of the mean of that rate, in milliseconds. */
const memoryMs = 4000;

/**
 * Streams cost a server much where answers are short: `vllm serve` (0.32, two cores, 10 tokens) gave 182 to 232 answers
 * a second as streams, 258 to 351 without: 0.15 ms of its time for each token. But a stream shows that the server lives,
 * how far each answer is, and when its first token came. Signs of life on some requests do for all, so some are streamed.
 */
export function createStreamChoice(option: boolean | 'auto', now = () => performance.now()): StreamChoice {
  let inFlight = 0;
  let streamed = 0;
  let isAll = option === true;
  const rate = { perSecond: 0, at: now() };
  const add = (tokens: number): void => {
    const at = now();
    rate.perSecond = rate.perSecond * Math.exp((rate.at - at) / memoryMs) + tokens / (memoryMs / 1000);
    rate.at = at;
  };
  const isNext = (): boolean => {
    if (isAll || streamed < Math.max(alwaysStreamed, Math.ceil(inFlight / oneIn))) return true;
    add(0);
    return rate.perSecond < cheapRate;
  };
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
    add,
    insist: () => (isAll = true),
  };
}
