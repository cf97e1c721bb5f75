import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ExaminedEngine } from '../../core/doctor/examination.ts';
import { isRecord } from '../../data/is-record.ts';
import { installCommand } from './install-command.ts';

/** Looks for the package of the embedded engine, without loading it. */
export async function examineLlamaCpp(): Promise<ExaminedEngine> {
  return examinedPackage(await findPackageVersion());
}

/** Describes the embedded engine by the version of its package; null where that is not installed. */
export function examinedPackage(version: string | null): ExaminedEngine {
  const text = version === null ? `not installed: ${installCommand}` : `node-llama-cpp ${version}`;
  return {
    isUsable: version !== null,
    serverUrl: null,
    json: { embedded: { version } },
    report: () => ({ rows: [['llama-cpp', text]], findings: [], howToSet: [] }),
  };
}

/** Version of the node-llama-cpp that a file would import; null where none is installed. */
export async function findPackageVersion(importer: string = import.meta.url): Promise<string | null> {
  try {
    // The package exports no package.json: it lies beside the folder of what it exports.
    const main = createRequire(importer).resolve('node-llama-cpp');
    const about: unknown = JSON.parse(await readFile(join(dirname(main), '..', 'package.json'), 'utf8'));
    return isRecord(about) && typeof about['version'] === 'string' ? about['version'] : null;
  } catch {
    return null;
  }
}

/** The package and its binaries for this platform; nothing where it is not installed. */
export async function installPaths(importer: string = import.meta.url): Promise<string[]> {
  try {
    const main = createRequire(importer).resolve('node-llama-cpp');
    const modules = main.slice(0, main.lastIndexOf('node-llama-cpp'));
    return [join(modules, 'node-llama-cpp'), join(modules, '@node-llama-cpp')];
  } catch {
    return [];
  }
}
