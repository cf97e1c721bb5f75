import { setMaxListeners } from 'node:events';
import { type LoadedModel, wireRequest } from './loaded-model.ts';

/** Enough tokens for every slot to begin before the first one ends, few enough for a second or two. */
const answerTokens = 64;
/** A busy machine lets a round see too few, never too many. */
const rounds = 3;

/** An answer that goes on for at least as long, whatever the model would rather say. */
const format = {
  type: 'array',
  items: { type: 'string', enum: ['one', 'two', 'three'] },
  minItems: answerTokens,
  maxItems: answerTokens,
};

/**
 * How many requests the server works on at once, which it tells nowhere: `width` equal streams at once on a loaded model,
 * and a count of those that began before the first one ended, by the server's clock. The most that a round saw; `width`
 * means "or more".
 */
export async function probeSlots(
  loaded: Pick<LoadedModel, 'client' | 'name' | 'runner' | 'keepAlive'>,
  width: number,
  signal: AbortSignal,
): Promise<number> {
  let most = 0;
  for (let round = 0; round < rounds && most < width; round++) {
    most = Math.max(most, await probeOnce(loaded, width, signal));
  }
  return most;
}

async function probeOnce(
  { client, ...loaded }: Pick<LoadedModel, 'client' | 'name' | 'runner' | 'keepAlive'>,
  width: number,
  signal: AbortSignal,
): Promise<number> {
  const end = new AbortController();
  const either = AbortSignal.any([signal, end.signal]);
  setMaxListeners(0, either);
  const seen = { begins: [] as string[], end: null as string | null, failure: null as unknown };
  const ask = async (): Promise<void> => {
    const messages = [{ role: 'user', content: 'Count.' }];
    const wire = wireRequest(loaded, { num_predict: answerTokens });
    let isFirst = true;
    for await (const { created_at: at = '', done } of await client.chat(
      { ...wire, messages, think: false, format },
      either,
    )) {
      if (isFirst) seen.begins.push(nanoseconds(at));
      isFirst = false;
      if (done === true) seen.end ??= nanoseconds(at);
    }
    // What is still running or waiting says nothing more.
    end.abort();
  };
  const asking = Array.from({ length: width }, () =>
    ask().catch((error: unknown) => {
      if (!end.signal.aborted) seen.failure ??= error;
    }),
  );
  await Promise.all(asking);
  signal.throwIfAborted();
  const { begins, end: firstEnd } = seen;
  if (firstEnd === null) throw seen.failure;
  return begins.filter((begin) => begin < firstEnd).length;
}

/** Go leaves zeros at the end of a fraction out; with them, times of one day compare as texts. */
const nanoseconds = (time: string): string =>
  time.replace(/(?:\.(\d+))?Z$/, (_, fraction: string = '') => `.${fraction.padEnd(9, '0')}`);
