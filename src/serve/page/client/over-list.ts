import { type Batch, type BatchList, ask } from './api.ts';
import { isBatchOver } from './describe-batch.ts';

/** Batches that are over, on one page. */
const pageSize = 20;

/** A page of the batches that are over, the newest first, and the id after which the next one begins; null: it is the last. */
interface OverPage {
  batches: Batch[];
  next: string | null;
}

/** Asks for a page of the batches that are over. They lie between those that go on, which are left out. */
export async function askOverPage(after: string | null): Promise<OverPage> {
  const batches: Batch[] = [];
  let cursor = after;
  for (;;) {
    const from = cursor === null ? '' : `&after=${encodeURIComponent(cursor)}`;
    const list = await ask<BatchList>(`/v1/batches?limit=100${from}`);
    batches.push(...list.data.filter(isBatchOver));
    if (batches.length > pageSize) {
      const shown = batches.slice(0, pageSize);
      return { batches: shown, next: shown.at(-1)?.id ?? null };
    }
    cursor = list.data.at(-1)?.id ?? null;
    if (!list.has_more || cursor === null) return { batches, next: null };
  }
}
