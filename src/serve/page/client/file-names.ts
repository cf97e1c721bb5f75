import { type Batch, Refusal, ask } from './api.ts';

/** Names of the input files, by the id of the file; null: the file is deleted. */
const names = new Map<string, string | null>();

/** Learns the names of the input files of batches that are not known yet. */
export async function learnNames(batches: readonly Batch[]): Promise<void> {
  const ids = new Set(batches.map(({ input_file_id: id }) => id));
  await Promise.all([...ids].filter((id) => !names.has(id)).map(learnName));
}

async function learnName(id: string): Promise<void> {
  try {
    const file = await ask<{ filename: string }>(`/v1/files/${encodeURIComponent(id)}`);
    names.set(id, file.filename);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    names.set(id, null);
  }
}

/** The name of a batch for its reader: that of its input file, else its id. */
export const nameOf = ({ id, input_file_id: fileId }: Batch): string => names.get(fileId) ?? id;
