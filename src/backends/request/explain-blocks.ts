import { formatInteger } from '../../text/format.ts';

/** How an engine caches the beginnings of prompts in blocks. */
interface BlockCache {
  isOn: boolean;
  /** Tokens of a block: only whole blocks are cached; null where it isn't known. */
  blockTokens: number | null;
}

/** The size that is advised: it is taken on a CPU too, where 16 fails (seen with version 0.32). */
const advisedBlock = 32;

/** Explains why such an engine takes little from its cache; null where no cause is known. `ways`: how the two settings are written. */
export function explainBlocks(
  { isOn, blockTokens }: BlockCache,
  sharedTokens: number,
  ways: { turnOn: string; blockSize: string },
): string | null {
  if (!isOn) return `The engine was started without its prefix cache: ${ways.turnOn}.`;
  // With a block that is hardly smaller than what is shared, most of it lies in a block that is not whole.
  if (blockTokens === null || blockTokens <= advisedBlock || blockTokens * 2 <= sharedTokens) return null;
  return `The engine caches whole blocks of ${formatInteger(blockTokens)} tokens only: ${ways.blockSize}${advisedBlock}.`;
}
