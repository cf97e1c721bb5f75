import { type Completion, failure, responseBody } from '../../src/core/completion.ts';
import type { ErrorKind } from '../../src/core/errors.ts';
import type { BatchRequest } from '../../src/core/request.ts';
import type { ResultLine } from '../../src/core/result-line.ts';
import { type RowTable, createRowTable, rowStates } from '../../src/data/row-table.ts';
import { type Outcome, resultOf } from '../../src/scheduler/build-result.ts';
import type { VerifiedAnswer } from '../../src/scheduler/verify-answer.ts';

const source = { runId: 'a1b2c3d4', backend: 'mock', model: 'mock', hashOf: () => null };
const uncounted = { promptTokens: null, completionTokens: null, cachedTokens: null };
const attempt = { startedAt: Date.UTC(2026, 10, 22), latencyMs: 12.345, ttftMs: 1, tokens: uncounted };

interface Answer {
  id: string;
  text?: string;
  row?: Record<string, unknown>;
  place?: Outcome['place'];
}

const requestOf = ({ id }: Answer, line: number): BatchRequest => ({
  id,
  line,
  endpoint: '/v1/chat/completions',
  body: { model: 'mock', messages: [{ role: 'user', content: 'x' }] },
});

export function completionOf(text: string, tokens: Partial<Parameters<typeof responseBody>[0]> = {}): Completion {
  const counts = { promptTokens: 7, completionTokens: 3, ...tokens };
  const body = responseBody({ id: '1', model: 'mock', chat: true, text, finishReason: 'stop', ...counts });
  return { status: 'completed', body };
}

/** A result as the engine builds it, with the row that it is written with. */
export function resultFrom(
  { verdict, ...changes }: { verdict: VerifiedAnswer } & Partial<Pick<Outcome, 'attempts' | 'retried'>>,
  answer: Answer,
  line = 1,
): ResultLine {
  const result = resultOf(
    {
      verdict,
      request: requestOf(answer, line),
      attempts: 1,
      retried: null,
      attempt,
      place: answer.place ?? null,
      ...changes,
    },
    source,
  );
  if (answer.row !== undefined) result.llmbatch.row = answer.row;
  return result;
}

export const success = (answer: Answer, line = 1): ResultLine =>
  resultFrom({ verdict: { answer: completionOf(answer.text ?? 'fine') } }, answer, line);

export const failed = (answer: Answer, kind: ErrorKind = 'timeout', line = 1): ResultLine =>
  resultFrom({ verdict: { answer: failure(kind, 'no') } }, answer, line);

export const textOf = (lines: ResultLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

/** A table of open rows with these ids. */
export function tableOf(ids: readonly string[]): RowTable {
  const table = createRowTable();
  for (const [row, id] of ids.entries()) {
    table.add({ offset: row, length: 1, line: row + 1, group: 0, state: rowStates.open, checksum: 0 });
    table.claim(id, row);
  }
  return table;
}
