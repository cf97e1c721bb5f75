import type { BackendAddress } from '../../../core/connection.ts';
import { createClient } from '../http/client.ts';
import { ollamaHost } from '../http/host.ts';
import { findModel } from '../model/find-model.ts';

const lookMs = 5000;

/** The digest of a model that the server has on its disk; undefined where it has none of this name, or does not answer. */
export async function weightsDigest(model: string, address: BackendAddress): Promise<string | undefined> {
  const client = createClient(ollamaHost(address), 1);
  try {
    const { digest } = await findModel(client, model, AbortSignal.timeout(lookMs));
    return digest ?? undefined;
  } catch {
    return undefined;
  } finally {
    await client.close();
  }
}
