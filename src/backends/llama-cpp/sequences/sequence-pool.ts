import type { LlamaContextSequence, Token } from 'node-llama-cpp';

/** The sequences of one context. Each keeps what it evaluated last, for the next request that begins alike. */
export interface SequencePool {
  /**
   * Takes the idle sequence that holds the longest beginning of the prompt already. Waits, first come first served,
   * while none is idle.
   */
  acquire(prompt: Token[], signal: AbortSignal): Promise<LlamaContextSequence>;
  release(sequence: LlamaContextSequence): void;
}

export function createSequencePool(sequences: readonly LlamaContextSequence[]): SequencePool {
  const idle = new Set(sequences);
  const waiting: { prompt: Token[]; resolve: (sequence: LlamaContextSequence) => void }[] = [];

  const take = (prompt: Token[]): LlamaContextSequence | undefined => {
    const best = closest(idle, prompt);
    if (best !== undefined) idle.delete(best);
    return best;
  };

  return {
    async acquire(prompt, signal) {
      signal.throwIfAborted();
      const sequence = take(prompt);
      if (sequence !== undefined) return sequence;
      return new Promise((resolve, reject) => {
        const waiter = { prompt, resolve };
        waiting.push(waiter);
        signal.addEventListener(
          'abort',
          () => {
            const place = waiting.indexOf(waiter);
            if (place !== -1) waiting.splice(place, 1);
            reject(signal.reason);
          },
          { once: true },
        );
      });
    },
    release(sequence) {
      idle.add(sequence);
      const next = waiting.shift();
      const taken = next === undefined ? undefined : take(next.prompt);
      if (taken !== undefined) next?.resolve(taken);
    },
  };
}

/** Longest common prefix first; then the one that loses least. */
function closest(sequences: Iterable<LlamaContextSequence>, prompt: Token[]): LlamaContextSequence | undefined {
  let best: LlamaContextSequence | undefined;
  let bestPrefix = -1;
  for (const sequence of sequences) {
    const prefix = sequence.compareContextTokens(prompt).firstDifferentIndex;
    const losesLess = best !== undefined && sequence.nextTokenIndex < best.nextTokenIndex;
    if (prefix > bestPrefix || (prefix === bestPrefix && losesLess)) {
      best = sequence;
      bestPrefix = prefix;
    }
  }
  return best;
}
