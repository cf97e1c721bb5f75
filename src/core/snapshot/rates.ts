/** Throughput of this session, per second; null before there is enough to measure. */
export interface Rates {
  /** Requests that ended, successfully or not. */
  requests: Rate;
  /** Tokens of answers, also of those that failed or were cut off: how fast the engine writes. */
  generation: TokenRate;
  /** Prompt tokens that the engine computed, without those from its cache: how fast it reads. */
  prompt: TokenRate & {
    /** The engine does not say how many came from its cache: all prompt tokens are counted. */
    includesCached: boolean;
  };
}

/** One rate, per second. */
interface Rate {
  /** Rate over the last minute. */
  recent: number | null;
  /** Rate over the whole session. */
  overall: number | null;
}

export interface TokenRate extends Rate {
  /**
   * live: the tokens count as they are made, since the engine tells of them or its answers are short · ended: they count
   * when a slow answer ends, so that the rate lags behind. Null: none was counted yet.
   */
  basis: 'live' | 'ended' | null;
}

/** Rates as the keys of the flat object that is printed and written, in camelCase. */
export interface FlatRates
  extends
    Record<'recentRate' | 'overallRate', number | null>,
    Record<'recentGenerationRate' | 'overallGenerationRate', number | null>,
    Record<'recentPromptRate' | 'overallPromptRate', number | null>,
    Record<'generationBasis' | 'promptBasis', TokenRate['basis']> {
  promptIncludesCached: boolean;
}

export const unknownRates: FlatRates = {
  recentRate: null,
  overallRate: null,
  recentGenerationRate: null,
  overallGenerationRate: null,
  generationBasis: null,
  recentPromptRate: null,
  overallPromptRate: null,
  promptBasis: null,
  promptIncludesCached: false,
};

export const flatRates = ({ requests, generation, prompt }: Rates): FlatRates => ({
  recentRate: requests.recent,
  overallRate: requests.overall,
  recentGenerationRate: generation.recent,
  overallGenerationRate: generation.overall,
  generationBasis: generation.basis,
  recentPromptRate: prompt.recent,
  overallPromptRate: prompt.overall,
  promptBasis: prompt.basis,
  promptIncludesCached: prompt.includesCached,
});

export const ratesOf = (flat: FlatRates): Rates => ({
  requests: { recent: flat.recentRate, overall: flat.overallRate },
  generation: { recent: flat.recentGenerationRate, overall: flat.overallGenerationRate, basis: flat.generationBasis },
  prompt: {
    recent: flat.recentPromptRate,
    overall: flat.overallPromptRate,
    basis: flat.promptBasis,
    includesCached: flat.promptIncludesCached,
  },
});
