import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackendAddress } from '../../core/connection.ts';
import { findPython } from './find-python.ts';

/** Says whether vLLM can open a model of this name, and whether there is a Python with vLLM. */
export async function servesModel(model: string, address: BackendAddress): Promise<boolean> {
  return (await isHuggingFaceName(model)) && (await findPython(address)).vllmVersion !== null;
}

/**
 * Says whether vLLM can open a model of this name: a folder with a `config.json`, or `owner/name` of Hugging Face's
 * hub.
 */
async function isHuggingFaceName(model: string): Promise<boolean> {
  const found = await stat(join(model, 'config.json')).catch(() => null);
  return (
    found?.isFile() === true || (/^[\w.-]+\/[\w.-]+$/.test(model) && !/\.(txt|jsonl?|csv|gguf|py|md)$/.test(model))
  );
}
