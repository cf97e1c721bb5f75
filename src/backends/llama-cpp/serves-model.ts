import { stat } from 'node:fs/promises';
import { UsageError, codeOf } from '../../core/errors.ts';
import { installPaths } from './doctor.ts';
import { installCommand } from './install-command.ts';
import { isBundled, isGgufName } from './model-file.ts';
import { similarFile, whereItMayBe } from './similar-file.ts';

/**
 * True where the model is a GGUF file that is there, and the engine is installed; else why not. Throws a `UsageError` for
 * the name of a GGUF file that is not there.
 */
export async function servesModel(model: string): Promise<true | string> {
  if (!isGgufName(model)) {
    const near = await similarFile(model);
    return near === null
      ? 'takes a GGUF file, and there is no file with this name'
      : `takes a GGUF file: -m ${near} is near`;
  }
  if (!isBundled(model)) await checkFile(model);
  return (await installPaths()).length > 0 || `is not installed (${installCommand})`;
}

async function checkFile(model: string): Promise<void> {
  const code = await stat(model).then(() => '', codeOf);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    throw new UsageError(`there is no model file ${model}`, await whereItMayBe(model));
}
