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
