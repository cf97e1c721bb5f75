import type { LlamaModel } from 'node-llama-cpp';
import { type ControlTokens, createControlTokens, isMarkup, controlTokenParts } from '../../request/control-tokens.ts';

/** Token texts of a model that are broken up where a user's text holds them. */
export interface ModelTokens {
  anywhere: ControlTokens;
  /** Templates look for the end of the thinking in earlier answers, to leave it out. */
  inAnswers: ControlTokens;
}

const thinking = /^\W*think(?:ing)?\W*$/iu;

/** Reads the control tokens of a vocabulary: half a second for one of 256,000 tokens, so once for each model. */
export function readControlTokens(model: LlamaModel, template: string): ModelTokens {
  const texts = new Set<string>();
  for (const token of model.iterateAllTokens()) {
    const { control, unknown, userDefined } = model.getTokenAttributes(token);
    const isControl = control || unknown || model.isEogToken(token);
    if (!isControl && !userDefined) continue;
    const text = model.detokenize([token], true);
    if (isControl || isMarkup(text, template)) texts.add(text);
  }
  const parts = [...texts].filter((text) => text.length > 1).flatMap(controlTokenParts);
  return {
    anywhere: createControlTokens(parts),
    inAnswers: createControlTokens(parts.filter((part) => !thinking.test(part))),
  };
}
