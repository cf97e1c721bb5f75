import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { GgufFileInfo } from 'node-llama-cpp';
import { isEmbeddingModel } from './model-texts.ts';
import { printable } from '../../text/printable.ts';
import { formatBytes } from '../../text/format.ts';

type GgufReader = Pick<typeof import('node-llama-cpp'), 'readGgufFileInfo' | 'GgmlType'>;

/** What a model file says of itself, without being loaded. */
export interface GgufFacts {
  bytes: number;
  /** What it makes: answers to chats, by a template of its own; text, without one; vectors. Null where its header can't be read. */
  kind: 'chat' | 'text' | 'embeddings' | null;
  /** What is wrong with the file, as a sentence without its full stop, and what to do; null where nothing is. */
  problem: { text: string; fix: string } | null;
}

/**
 * Reads the header of a model file, and looks whether the weights that it lists lie within the file: a download that was
 * broken off has them not. Throws where the file can't be read at all.
 */
export async function readGguf({ readGgufFileInfo, GgmlType }: GgufReader, path: string): Promise<GgufFacts> {
  const { size: bytes } = await stat(path);
  const name = printable(basename(path));
  const broken = (text: string, fix: string): GgufFacts => ({ bytes, kind: null, problem: { text, fix } });
  const start = await firstBytes(path);
  if (!start.startsWith('GGUF'))
    return broken(
      `${name} is no GGUF file${bytes === 0 ? ': it is empty' : `: it begins with "${printable(start)}"`}`,
      'Download the model again, and look at what comes: a page or a pointer in place of the file begins with text.',
    );
  const again = 'Download it again.';
  const noHeader = broken(
    `${name} is cut or damaged: it has ${formatBytes(bytes)}, and its header can't be read`,
    again,
  );
  try {
    const info = await readGgufFileInfo(path, {
      sourceType: 'filesystem',
      logWarnings: false,
      spliceSplitFiles: false,
    });
    // Behind the end of the file the engine reads zeros.
    if ((info.infoEndOffset ?? 0) > bytes) return noHeader;
    const whole = minBytes(info, (type) => GgmlType[type] ?? '');
    if (whole > bytes)
      return broken(
        `${name} is cut: it has ${formatBytes(bytes)}, and its weights take ${formatBytes(whole)} at least. The download is incomplete`,
        again,
      );
    return { bytes, kind: kindOf(info), problem: null };
  } catch {
    return noHeader;
  }
}

function kindOf(fileInfo: GgufFileInfo): GgufFacts['kind'] {
  if (isEmbeddingModel({ fileInfo })) return 'embeddings';
  return fileInfo.metadata.tokenizer?.chat_template === undefined ? 'text' : 'chat';
}

async function firstBytes(path: string): Promise<string> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(24), 0, 24, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The size that the file has at least, with all of its weights. */
function minBytes({ tensorInfo = [] }: GgufFileInfo, nameOf: (type: number) => string): number {
  return Math.max(
    ...tensorInfo.map(({ fileOffset, dimensions, ggmlType }) => {
      const weights = dimensions.reduce<number>((product, size) => product * Number(size), 1);
      // The first number in the name of a type is its bits for each weight; the scales of its blocks come on top.
      const bits = Number(/\d+/.exec(nameOf(ggmlType))?.[0] ?? 0);
      return Number(fileOffset) + (weights * bits) / 8;
    }),
    0,
  );
}
