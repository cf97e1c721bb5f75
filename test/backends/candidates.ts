import { readFileSync } from 'node:fs';
import type { BatchRequest, RequestBody } from '../../src/core/request.ts';

/** A request of the bundled demonstration, and the answer that is known to be right. */
export interface Candidate {
  request: BatchRequest;
  answer: string;
}

interface Row {
  custom_id: string;
  body: RequestBody;
  expected: { matched: string[]; score: number; verdict: string };
}

/** The 500 candidates of `fixtures/candidates.jsonl`. */
export const candidates: Candidate[] = readFileSync(new URL('../../fixtures/candidates.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line, index) => {
    const { custom_id: id, body, expected } = JSON.parse(line) as Row;
    return {
      request: { id, line: index + 1, endpoint: '/v1/chat/completions', body },
      answer: JSON.stringify(expected),
    };
  });

/** The candidate with this place in the file, from 0. */
export function candidate(index: number): Candidate {
  const found = candidates[index];
  if (found === undefined) throw new Error(`there is no candidate ${index}`);
  return found;
}

export const chat = (messages: unknown, changes: Record<string, unknown> = {}): BatchRequest => ({
  id: 'chat',
  line: 1,
  endpoint: '/v1/chat/completions',
  body: { model: 'tiny-scorer', messages, ...changes } as RequestBody,
});
