import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nearModel } from '../../text/near-model.ts';

/** Says which file may have been meant, or what `-m` takes. */
export async function whereItMayBe(model: string): Promise<string> {
  const near = await similarFile(model);
  if (near !== null) return `Did you mean ${near}?`;
  return 'Give the path of a .gguf file with -m, or with -b the engine whose server has a model of this name.';
}

/** A GGUF file whose name is like that of the model, in the folder that the model's name points to, else in this one. */
export async function similarFile(model: string): Promise<string | null> {
  for (const folder of new Set([dirname(model), '.'])) {
    const near = nearModel(model, await ggufFilesIn(folder));
    if (near !== null) return join(folder, near);
  }
  return null;
}

/** The names of the GGUF files of a folder; none where it can't be read. */
export async function ggufFilesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /\.gguf$/i.test(name)).toSorted();
}
