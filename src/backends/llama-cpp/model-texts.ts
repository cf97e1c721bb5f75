import type { LlamaModel } from 'node-llama-cpp';

/** The template of the user, else the model's own; null where there is neither. */
export const chatTemplateOf = (
  { fileInfo }: Pick<LlamaModel, 'fileInfo'>,
  { chatTemplate }: { chatTemplate: string | null },
): string | null => chatTemplate ?? fileInfo.metadata.tokenizer?.chat_template ?? null;

/** The texts of the control tokens of a vocabulary. */
export function controlTexts(model: LlamaModel): Set<string> {
  const texts = new Set<string>();
  for (const token of model.iterateAllTokens())
    if (model.getTokenAttributes(token).control) texts.add(model.detokenize([token], true));
  return texts;
}

/**
 * Does the model make one vector of a text, and no text? Its file says how: by the mean of its tokens' states, by that of
 * the first or of the last (`pooling_type` 1 to 3; 4 is a ranking of pairs, which nobody asks for here).
 */
export function isEmbeddingModel({ fileInfo: { metadata } }: Pick<LlamaModel, 'fileInfo'>): boolean {
  const facts = metadata[metadata.general.architecture];
  const pooling: number = facts !== undefined && 'pooling_type' in facts ? (facts.pooling_type ?? 0) : 0;
  return pooling >= 1 && pooling <= 3;
}
