import { type AttemptTokens, type RestTokens, tokensOfUsage } from '../core/attempt-tokens.ts';
import type { Usage } from '../core/completion.ts';
import type { FlightSample } from '../core/measurements.ts';
import { createSteadyRatio } from '../data/steady-ratio.ts';

/** What the engine has told of one attempt while it works on it. */
export interface ToldEntry {
  /** Time of the sending, in milliseconds of a clock that never goes back. */
  sentAt: number;
  /** Tokens of the answer; pieces of it where the engine does not say how many tokens are in one. */
  pieces: number;
  /** The pieces that `generated` holds. */
  countedPieces: number;
  /** Tokens that these pieces were taken for. */
  generated: number;
  promptComputed: number;
  promptCached: number;
  /** Tokens that the answer may have; null where nothing limits them but the window. */
  readonly limit: number | null;
  /** Bytes of the request's line in the input; 0 where they are not known. */
  readonly bytes: number;
}

/** Sums what the engine tells of all attempts in flight. A token costs one addition to its entry, and nothing else. */
export interface ToldTokens {
  addPrompt: (entry: ToldEntry, computed: number, cached: number) => void;
  /** The attempt is over. `usage`: its tokens, as the engine counted them; absent where it did not. */
  end: (entry: ToldEntry, at: number, usage?: Usage) => void;
  /** What came since the sample before; null where nothing is in flight and nothing came. */
  sample: (at: number) => FlightSample | null;
}

/** Of a shorter answer, in milliseconds, much may have come after the engine last told of it. */
const minLearnedMs = 3000;

/**
 * `entries`: the attempts in flight, the first one sent in front. A server may put several tokens into a piece, or cut one in
 * two: where whole answers show that their pieces and their tokens differ by a steady factor, pieces are multiplied by it.
 */
export function createToldTokens(entries: ReadonlySet<ToldEntry>): ToldTokens {
  const tokensOfPiece = createSteadyRatio();
  const made = { generated: 0, promptComputed: 0, promptCached: 0 };

  const count = (entry: ToldEntry): void => {
    const tokens = (entry.pieces - entry.countedPieces) * tokensOfPiece.read();
    entry.countedPieces = entry.pieces;
    entry.generated += tokens;
    made.generated += tokens;
  };

  return {
    addPrompt(entry, computed, cached) {
      entry.promptComputed += computed;
      entry.promptCached += cached;
      made.promptComputed += computed;
      made.promptCached += cached;
    },
    end(entry, at, usage) {
      if (entry.pieces === 0) return;
      count(entry);
      if (at - entry.sentAt < minLearnedMs) return;
      const { completionTokens } = tokensOfUsage(usage ?? {});
      if (completionTokens !== null) tokensOfPiece.add(entry.pieces, completionTokens);
    },
    sample(at) {
      for (const entry of entries) count(entry);
      if (entries.size === 0 && made.generated + made.promptComputed + made.promptCached === 0) return null;
      const all = [...entries];
      const tokens = all.map(({ pieces }) => Math.round(pieces * tokensOfPiece.read()));
      const agesMs = all.map(({ sentAt }) => at - sentAt);
      const sample: FlightSample = {
        ...made,
        writing: tokens.filter((some) => some > 0).length,
        tokens: tokens.reduce((sum, some) => sum + some, 0),
        oldest: all.length === 0 ? null : { ageMs: agesMs[0] ?? 0, tokens: tokens[0] ?? 0 },
        each: { agesMs, tokens, limits: all.map(({ limit }) => limit), bytes: all.map(({ bytes }) => bytes) },
      };
      Object.assign(made, { generated: 0, promptComputed: 0, promptCached: 0 });
      return sample;
    },
  };
}

/** Tokens of an attempt that is over beside those that were told of it; null where nothing was. */
export function restOf(entry: ToldEntry, usage: Usage | undefined, overMs: number): RestTokens | null {
  const { pieces, generated, promptComputed, promptCached } = entry;
  const hasPrompt = promptComputed + promptCached > 0;
  if (pieces === 0 && !hasPrompt) return null;
  const { promptTokens, completionTokens, cachedTokens }: AttemptTokens = tokensOfUsage(usage ?? {});
  return {
    promptTokens: promptTokens === null ? (hasPrompt ? 0 : null) : promptTokens - promptComputed - promptCached,
    completionTokens: completionTokens === null ? (pieces > 0 ? 0 : null) : completionTokens - generated,
    cachedTokens: cachedTokens === null ? (hasPrompt ? 0 : null) : cachedTokens - promptCached,
    overMs,
  };
}
