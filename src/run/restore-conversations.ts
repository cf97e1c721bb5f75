import { systemPromptOf, isRejected } from '../core/request.ts';
import { type RestoredHistory, type Turn, turnOf, turnsOfHistory } from '../scheduler/conversation.ts';
import { readItems } from '../input/read-items.ts';
import type { WorkerTurns } from '../journal/load-turns.ts';
import type { RunInput } from './read-input.ts';

/** Puts the histories of a stopped run together again: the questions from the input, the answers from the output. */
export async function restoreConversations(
  input: RunInput,
  workers: ReadonlyMap<number, WorkerTurns>,
): Promise<Map<number, RestoredHistory>> {
  const restored = new Map<number, RestoredHistory>();
  for (const [worker, { place, turns }] of workers) {
    const { table } = input.scan;
    const rows = turns.map(({ id }) => table.find(id));
    if (rows.includes(-1)) continue;
    const answers = new Map(rows.map((row, index) => [row, turns[index]?.answer ?? '']));
    const all: Turn[] = [];
    let system = '';
    for await (const items of readItems(input.handle, input.scan, rows)) {
      for (const { row, read } of items) {
        // With an allowed drift, a line that was a request may not be one any more.
        if (isRejected(read)) continue;
        system = systemPromptOf(read.body);
        all.push(turnOf(read, answers.get(row) ?? ''));
      }
    }
    restored.set(worker, { system, turns: turnsOfHistory(all, place), place, tokens: turns.at(-1)?.tokens ?? 0 });
  }
  return restored;
}
