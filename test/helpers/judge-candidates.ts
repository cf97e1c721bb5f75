import { expect } from 'vitest';
import { candidates } from '../backends/candidates.ts';
import type { CliFolder } from './run-cli.ts';

/**
 * Results of candidates by their state: right, or the codes of failures. Fails where an answer is wrong, or where there are
 * not as many results as lines, or two for one line.
 */
export async function judgeCandidates(folder: CliFolder, count: number): Promise<Record<string, number>> {
  const results = await folder.results('in.results.jsonl');
  expect(results).toHaveLength(count);
  expect(new Set(results.map(({ custom_id: id }) => id)).size).toBe(count);
  const tally: Record<string, number> = {};
  for (const { custom_id: id, error, response } of results) {
    const key = error?.code ?? 'right';
    tally[key] = (tally[key] ?? 0) + 1;
    const expected = candidates.find(({ request }) => request.id === id)?.answer;
    if (error === null) expect(response?.body.choices?.[0]?.message?.content).toBe(expected);
  }
  return tally;
}
