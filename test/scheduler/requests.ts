import { mockBackend } from '../../src/backends/mock/index.ts';
import type { Backend } from '../../src/core/backend.ts';
import { type Completion, responseBody } from '../../src/core/completion.ts';
import type { BatchRequest, RequestBody, WorkItem } from '../../src/core/request.ts';
import { openRequest } from '../helpers/open-request.ts';

export const openMock = (options: Record<string, unknown> = {}): Promise<Backend> =>
  mockBackend.open(openRequest('mock', { options }));

export function chat(
  id: string,
  question = id,
  { system, ...body }: Partial<RequestBody> & { system?: string } = {},
): BatchRequest {
  const head = system === undefined ? [] : [{ role: 'system', content: system }];
  return {
    id,
    line: 1,
    endpoint: '/v1/chat/completions',
    body: { model: 'mock', messages: [...head, { role: 'user', content: question }], ...body },
  };
}

export function completion(text: string, details: { finishReason?: string; totalTokens?: number } = {}): Completion {
  const { finishReason = 'stop', totalTokens = 2 } = details;
  const counts = { promptTokens: totalTokens - 1, completionTokens: 1 };
  return {
    status: 'completed',
    body: responseBody({ id: 'x', model: 'mock', chat: true, text, finishReason, ...counts }),
  };
}

/** `count` requests with the ids r0, r1, ..., in batches. */
export async function* items(count: number, batchSize = 16): AsyncGenerator<WorkItem[]> {
  for (let from = 0; from < count; from += batchSize) {
    const size = Math.min(batchSize, count - from);
    yield Array.from({ length: size }, (_, index) => ({ row: from + index, read: chat(`r${from + index}`) }));
  }
}
