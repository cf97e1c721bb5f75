import type { LlamaModel } from 'node-llama-cpp';
import { type ControlTokens, createControlTokens, isMarkup } from '../request/control-tokens.ts';

/** Reads the control tokens of a vocabulary: half a second for one of 256,000 tokens, so once for each model. */
export function readControlTokens(model: LlamaModel): ControlTokens {
  const template = model.fileInfo.metadata.tokenizer?.chat_template ?? '';
  const texts = new Set<string>();
  for (const token of model.iterateAllTokens()) {
    const { control, unknown, userDefined } = model.getTokenAttributes(token);
    const isControl = control || unknown || model.isEogToken(token);
    if (!isControl && !userDefined) continue;
    const text = model.detokenize([token], true);
    if (isControl || isMarkup(text, template)) texts.add(text);
  }
  return createControlTokens([...texts]);
}
