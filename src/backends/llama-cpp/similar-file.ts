import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nearest } from '../../text/nearest.ts';

/** Says which file may have been meant, or what `-m` takes. */
export async function whereItMayBe(model: string): Promise<string> {
  const near = await similarFile(model);
  if (near !== null) return `Did you mean ${near}?`;
  return 'Give the path of a .gguf file with -m, or with -b the engine whose server has a model of this name.';
}

const ending = /\.gguf$/i;

/** A GGUF file whose name is like that of the model, in the folder that the model's name points to. */
export async function similarFile(model: string): Promise<string | null> {
  const folder = dirname(model);
  const names = await readdir(folder).catch(() => []);
  const stems = names.filter((name) => ending.test(name)).map((name) => name.replace(ending, ''));
  const wanted = basename(model).replace(ending, '').toLowerCase();
  const stem =
    nearest(wanted, stems) ?? stems.find((one) => wanted.length > 2 && one.toLowerCase().includes(wanted)) ?? null;
  const name = names.find((one) => stem !== null && ending.test(one) && one.replace(ending, '') === stem);
  return name === undefined ? null : join(folder, name);
}
