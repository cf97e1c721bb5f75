import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const blockBytes = 64 * 1024;

/** Writes buffers to stdout in blocks, as fast as its reader takes them; a reader that left ends it quietly. */
export async function writePieces(pieces) {
  try {
    await pipeline(Readable.from(blocksOf(pieces), { objectMode: false }), process.stdout);
  } catch (error) {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

function* blocksOf(pieces) {
  let block = [];
  let bytes = 0;
  for (const piece of pieces) {
    block.push(piece);
    bytes += piece.length;
    if (bytes < blockBytes) continue;
    yield Buffer.concat(block);
    block = [];
    bytes = 0;
  }
  yield Buffer.concat(block);
}
