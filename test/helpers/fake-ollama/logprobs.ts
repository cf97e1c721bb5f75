import { bytesOf, textOf } from './vocabulary.ts';

export interface Logprob {
  token: string;
  logprob: number;
  bytes: number[];
  top_logprobs?: Logprob[];
}

/** Always the same certainty; the alternatives are the tokens that come next in the vocabulary. */
export const logprobsOf = (tokens: number[], top: number): Logprob[] =>
  tokens.map((token) => ({
    ...logprob(token, -0.001),
    ...(top > 0 && {
      top_logprobs: Array.from({ length: top }, (_, rank) => logprob(token - rank, rank === 0 ? -0.001 : -10 - rank)),
    }),
  }));

const logprob = (token: number, value: number): Logprob => ({
  token: textOf(token),
  logprob: value,
  bytes: [...bytesOf(token)],
});
