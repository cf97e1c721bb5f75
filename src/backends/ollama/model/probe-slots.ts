import { type LoadedModel, wireRequest } from './loaded-model.ts';

/** Enough tokens for every slot to begin before the first one ends, few enough for a second or two. */
const answerTokens = 64;
/** A small model says them before the last slot has begun: then the next round has more. */
const shortRoundMs = 500;
const maxAnswerTokens = 512;
/** A busy machine lets a round see too few, never too many. */
const rounds = 3;
/** No other round is begun after so long: on a slow machine one takes a minute. */
const maxRoundsMs = 15_000;

/** A schema that forces an answer of at least so many tokens. */
const arrayOf = (tokens: number) => ({
  type: 'array',
  items: { type: 'string', enum: ['one', 'two', 'three'] },
  minItems: tokens,
  maxItems: tokens,
});

/**
 * Measures how many requests the server works on at once, which it tells nowhere: sends `width` equal streams at once
 * to a loaded model, and counts those that had begun, by the server's clock, when the first one was half through.
 * Resolves to the maximum over the rounds; `width` means "or more".
 */
export async function probeSlots(
  loaded: Pick<LoadedModel, 'client' | 'name' | 'runner' | 'keepAlive'>,
  width: number,
  signal: AbortSignal,
): Promise<number> {
  const maxTokens = Math.min(maxAnswerTokens, Math.floor(loaded.runner.num_ctx / 2));
  const beganAt = performance.now();
  const hasTime = (round: number): boolean => round === 0 || performance.now() - beganAt < maxRoundsMs;
  let most = 0;
  for (let round = 0, tokens = answerTokens; round < rounds && most < width && hasTime(round); round++) {
    const startedAt = performance.now();
    most = Math.max(most, await probeOnce(loaded, { width, tokens }, signal));
    if (performance.now() - startedAt < shortRoundMs) tokens = Math.max(tokens, Math.min(tokens * 4, maxTokens));
  }
  return most;
}

async function probeOnce(
  { client, ...loaded }: Pick<LoadedModel, 'client' | 'name' | 'runner' | 'keepAlive'>,
  { width, tokens }: { width: number; tokens: number },
  signal: AbortSignal,
): Promise<number> {
  const seen = { begins: [] as string[], middle: null as string | null, failure: null as unknown };
  const waiting = new Set<AbortController>();
  const noteMiddle = (at: string): void => {
    seen.middle ??= at;
    // They wait for a slot. Those that have one go on to their end: a server may lose the slot of a stream that is
    // given up.
    for (const own of waiting) own.abort();
  };
  const ask = async (own: AbortController): Promise<void> => {
    const messages = [{ role: 'user', content: 'Count.' }];
    const request = {
      ...wireRequest(loaded, { num_predict: tokens }),
      messages,
      think: false,
      format: arrayOf(tokens),
    };
    let parts = 0;
    for await (const part of await client.chat(request, AbortSignal.any([signal, own.signal]))) {
      const at = nanoseconds(part.created_at ?? '');
      waiting.delete(own);
      if (parts++ === 0) seen.begins.push(at);
      if (parts * 2 >= tokens || part.done === true) noteMiddle(at);
    }
  };
  const asking = Array.from({ length: width }, async () => {
    const own = new AbortController();
    waiting.add(own);
    await ask(own).catch((error: unknown) => {
      waiting.delete(own);
      if (!own.signal.aborted) seen.failure ??= error;
    });
  });
  await Promise.all(asking);
  signal.throwIfAborted();
  const { begins, middle } = seen;
  if (middle === null) throw seen.failure;
  // The stream that was half through had begun, even if the clock says otherwise.
  return Math.max(1, begins.filter((begin) => begin <= middle).length);
}

/** Go leaves zeros at the end of a fraction out; with them, times of one day compare as texts. */
const nanoseconds = (time: string): string =>
  time.replace(/(?:\.(\d+))?Z$/, (_, fraction: string = '') => `.${fraction.padEnd(9, '0')}`);
