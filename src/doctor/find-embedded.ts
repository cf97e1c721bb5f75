import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isRecord } from '../data/is-record.ts';

export interface EmbeddedEngine {
  /** Of node-llama-cpp; null where it is not installed. */
  version: string | null;
}

/** Is the package of the embedded engine installed? It is not loaded. */
export async function findEmbedded(importer: string = import.meta.url): Promise<EmbeddedEngine> {
  try {
    // The package exports no package.json: it lies beside the folder of what it exports.
    const main = createRequire(importer).resolve('node-llama-cpp');
    const about: unknown = JSON.parse(await readFile(join(dirname(main), '..', 'package.json'), 'utf8'));
    return { version: isRecord(about) && typeof about['version'] === 'string' ? about['version'] : null };
  } catch {
    return { version: null };
  }
}
