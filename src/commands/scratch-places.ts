import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunPlaces, placesOf } from '../journal/run-places.ts';

/** Lends places for what is only looked at: standard input and CSV rows are kept in a file while they are read. */
export async function withScratchPlaces<Result>(use: (places: RunPlaces) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'llmbatch-'));
  try {
    return await use(placesOf(join(folder, 'scratch.jsonl')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
