import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { raceAbort } from '../../../async/abort.ts';
import { createNotifier } from '../../../async/notifier.ts';
import type { InRound } from './rounds.ts';

/** Lets what several prompts begin with, such as a rubric, be evaluated once, and not by each sequence. */
export interface SharedBeginnings {
  /**
   * Gives a sequence the longest beginning of its prompt that another one holds. Waits while one that came before
   * evaluates a longer one. Throws the signal's reason when aborted.
   */
  enter(sequence: LlamaContextSequence, prompt: Token[], signal: AbortSignal): Promise<void>;
  /** Counts tokens of its prompt that a sequence has evaluated, or held already. */
  advance(sequence: LlamaContextSequence, tokens: number): void;
  /** The sequence is done with its prompt, or has failed. */
  leave(sequence: LlamaContextSequence): void;
}

/** The prompt that a sequence evaluates. */
interface Place {
  readonly sequence: LlamaContextSequence;
  readonly prompt: Token[];
  /** Tokens of the prompt that the sequence holds. */
  evaluated: number;
}

/**
 * Tokens below which a copy does not pay. It moves the whole memory of a sequence, whatever it holds: for 4,096 tokens of
 * SmolLM2 94 MB in 15 ms, the time in which one thread evaluates 3 tokens.
 */
const minGain = ({ contextSize }: LlamaContextSequence): number => Math.max(32, contextSize / 128);

export function createSharedBeginnings(sequences: readonly LlamaContextSequence[], inRound: InRound): SharedBeginnings {
  const places = new Map<LlamaContextSequence, Place>();
  const changed = createNotifier();
  const isThere = (place: Place): boolean => places.get(place.sequence) === place;

  /** Who of these is about to evaluate the longest beginning of a prompt that no sequence holds. */
  const bestPromise = (earlier: readonly Place[], prompt: Token[]): { by: Place; tokens: number } | null => {
    let best: { by: Place; tokens: number } | null = null;
    let enough = Math.max(...sequences.map((sequence) => heldTokens(sequence, prompt) + minGain(sequence)));
    for (const by of earlier) {
      const tokens = sharedTokens(by.prompt, prompt);
      if (!isThere(by) || tokens < enough || by.evaluated >= tokens) continue;
      best = { by, tokens };
      enough = tokens + 1;
    }
    return best;
  };

  return {
    async enter(sequence, prompt, signal) {
      // Nobody waits for one that came later, so that never two wait for each other.
      const earlier = [...places.values()];
      places.set(sequence, { sequence, prompt, evaluated: 0 });
      const copy = copierInto(sequence);
      if (copy === null) return;
      for (;;) {
        const promise = bestPromise(earlier, prompt);
        if (promise === null) break;
        const { by, tokens } = promise;
        while (isThere(by) && by.evaluated < tokens) await raceAbort(changed.next(), signal);
      }
      const holder = (): LlamaContextSequence | null => bestHolder(sequences, sequence, prompt);
      if (holder() !== null) await inRound('copy', () => copyState(copy, holder(), sequence));
    },
    advance(sequence, tokens) {
      const place = places.get(sequence);
      if (place !== undefined) place.evaluated += tokens;
      changed.notify();
    },
    leave(sequence) {
      places.delete(sequence);
      changed.notify();
    },
  };
}

/** The one that holds so much more of the prompt that a copy pays; null where none does. */
function bestHolder(
  sequences: readonly LlamaContextSequence[],
  sequence: LlamaContextSequence,
  prompt: Token[],
): LlamaContextSequence | null {
  let best: LlamaContextSequence | null = null;
  let enough = heldTokens(sequence, prompt) + minGain(sequence);
  for (const other of sequences) {
    const tokens = heldTokens(other, prompt);
    if (tokens < enough) continue;
    best = other;
    enough = tokens + 1;
  }
  return best;
}

const heldTokens = (sequence: LlamaContextSequence, prompt: Token[]): number =>
  sequence.compareContextTokens(prompt).firstDifferentIndex;

function sharedTokens(one: readonly Token[], other: readonly Token[]): number {
  const different = one.findIndex((token, index) => token !== other[index]);
  return different === -1 ? one.length : different;
}

type CopyState = (from: LlamaContextSequence, tokens: number) => Promise<boolean>;

/**
 * How a sequence takes over the state of another one, in memory: what the engine's package does for its own decisions, and
 * does not declare. Null where it does not have it, and where a state can't be taken back to its beginning, as behind a
 * sliding window that is not kept: there no copy is of use.
 */
function copierInto(sequence: LlamaContextSequence & { _copyStateFromOtherSequence?: CopyState }): CopyState | null {
  const { _copyStateFromOtherSequence: copy, needsCheckpoints } = sequence;
  return copy === undefined || needsCheckpoints ? null : copy.bind(sequence);
}

/** Where the copy fails, the sequence evaluates its whole prompt. */
async function copyState(copy: CopyState, from: LlamaContextSequence | null, to: LlamaContextSequence): Promise<void> {
  if (from === null) return;
  const isCopied = await copy(from, from.nextTokenIndex).catch(() => false);
  if (!isCopied) await to.clearHistory();
}
