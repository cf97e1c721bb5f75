import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BackendAddress, givenText } from '../../core/connection.ts';
import { findPython } from './find-python.ts';

/**
 * True where vLLM can open a model of this name, and there is a Python with vLLM; else why not. On a Ray cluster the nodes have
 * both, so nothing is looked for here.
 */
export async function servesModel(model: string, address: BackendAddress): Promise<true | string> {
  if (givenText(address.connection, 'ray') !== null) return true;
  if (!(await isHuggingFaceName(model))) return 'takes owner/name of Hugging Face, or a folder of such a model';
  const { vllmVersion, command } = await findPython(address);
  return vllmVersion !== null || `is not installed for ${command} (--python, or pip install vllm)`;
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
