import type { RowTable } from '../core/row-table.ts';
import { rowStates } from '../core/row-table.ts';
import type { WorkItem } from '../core/request.ts';
import { readItems } from '../input/read-items.ts';
import type { RunInput } from './read-input.ts';

/**
 * The items of an input that is still being read: rejected lines and the requests of one model, as they come. Requests
 * of other models are left for later, when the input has ended.
 */
export async function* followItems(input: RunInput, model: string | null): AsyncGenerator<WorkItem[]> {
  const { handle, scan } = input;
  let next = 0;
  for (;;) {
    const hasEnded = input.hasEnded();
    const end = scan.table.size;
    if (end > next) {
      yield* readItems(handle, scan, wantedRows(input, { from: next, to: end, model }));
      next = end;
    } else if (hasEnded) {
      await input.completed;
      return;
    } else {
      await input.changed.next();
    }
  }
}

/** Resolves when the first request of the input is there, or when it has none, or when the run was stopped. */
export async function firstModel(input: RunInput): Promise<string | null> {
  while (input.scan.models.length === 0 && !input.hasEnded()) await input.changed.next();
  if (input.hasEnded()) await input.completed;
  return input.scan.models[0] ?? null;
}

function* wantedRows(
  { scan }: RunInput,
  { from, to, model }: { from: number; to: number; model: string | null },
): Generator<number> {
  for (let row = from; row < to; row++) {
    const isRejected = isOpenRejection(scan.table, row);
    const isRequest = scan.table.state(row) === rowStates.open && scan.groups[scan.table.group(row)]?.model === model;
    if (isRejected || isRequest) yield row;
  }
}

const isOpenRejection = (table: RowTable, row: number): boolean =>
  table.state(row) === rowStates.rejected && table.resultOffset(row) < 0;
