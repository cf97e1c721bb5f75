import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Says whether vLLM can open a model of this name: a folder with a `config.json`, or `owner/name` of Hugging Face's
 * hub.
 */
export async function isHuggingFaceName(model: string): Promise<boolean> {
  const found = await stat(join(model, 'config.json')).catch(() => null);
  return (
    found?.isFile() === true || (/^[\w.-]+\/[\w.-]+$/.test(model) && !/\.(txt|jsonl?|csv|gguf|py|md)$/.test(model))
  );
}
