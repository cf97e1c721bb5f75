import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Can vLLM open it: a folder with a `config.json`, or `owner/name` as Hugging Face's hub has it? */
export async function isModelName(model: string): Promise<boolean> {
  const found = await stat(join(model, 'config.json')).catch(() => null);
  return (
    found?.isFile() === true || (/^[\w.-]+\/[\w.-]+$/.test(model) && !/\.(txt|jsonl?|csv|gguf|py|md)$/.test(model))
  );
}
