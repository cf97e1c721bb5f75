import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeOf, EngineError } from '../../core/errors.ts';
import { sentenceOf } from '../request/refuse.ts';
import { whereItMayBe } from './similar-file.ts';

export interface ModelFile {
  path: string;
  bytes: number;
  /** `sha256:` over a small file; `sha256-partial:` over the size, the first and the last 4 MiB of a large one. */
  digest: string;
}

const bundledModel = 'tiny-scorer';

export const isBundled = (model: string): boolean => model === bundledModel;

/** Says whether llama.cpp can open a model of this name: a GGUF file, or the bundled model. */
export const isGgufName = (model: string): boolean => isBundled(model) || /\.gguf$/i.test(model);

/** Finds the file of a model. Throws `model-not-found`, naming the path. */
export async function findModelFile(model: string): Promise<ModelFile> {
  const path = isBundled(model)
    ? fileURLToPath(new URL('../../../fixtures/tiny-scorer.gguf', import.meta.url))
    : resolve(model);
  const bytes = await sizeOf(path);
  return { path, bytes, digest: await digestOf(path, bytes) };
}

/** The digest of a model's file; undefined where there is none. */
export const weightsDigest = (model: string): Promise<string | undefined> =>
  findModelFile(model).then(
    ({ digest }) => digest,
    () => undefined,
  );

async function sizeOf(path: string): Promise<number> {
  try {
    const stats = await stat(path);
    if (stats.isFile()) return stats.size;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') {
      throw new EngineError('model-not-found', `the model file can't be read: ${sentenceOf(error)}`);
    }
    throw new EngineError('model-not-found', `there is no model file ${path}`, await whereItMayBe(path));
  }
  throw new EngineError('model-not-found', `${path} is not a file`, 'Give the path of a .gguf file with -m.');
}

const wholeDigestBytes = 64 * 1024 * 1024;
const partBytes = 4 * 1024 * 1024;

async function digestOf(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(path);
  try {
    if (bytes < wholeDigestBytes) return `sha256:${hash.update(await handle.readFile()).digest('hex')}`;
    const part = Buffer.alloc(partBytes);
    hash.update(String(bytes));
    for (const position of [0, bytes - partBytes]) {
      const { bytesRead } = await handle.read(part, 0, partBytes, position);
      hash.update(part.subarray(0, bytesRead));
    }
    return `sha256-partial:${hash.digest('hex')}`;
  } finally {
    await handle.close();
  }
}
