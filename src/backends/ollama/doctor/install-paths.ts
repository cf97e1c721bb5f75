import { realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { BackendAddress } from '../../../core/connection.ts';

/** The program, and the libraries that it brings; nothing where it is not on the path. */
export async function installPaths({ environment: { PATH = '' } }: BackendAddress): Promise<string[]> {
  const found = await Promise.all(
    PATH.split(delimiter).map((folder) => realpath(join(folder, 'ollama')).catch(() => null)),
  );
  const program = found.find((path) => path !== null) ?? null;
  return program === null ? [] : [program, join(dirname(program), '..', 'lib', 'ollama')];
}
