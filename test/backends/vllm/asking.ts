import { afterAll, beforeAll } from 'vitest';
import type { Backend, OpenRequest } from '../../../src/core/backend.ts';
import { type Answer, type Completion, failure } from '../../../src/core/completion.ts';
import { EngineError } from '../../../src/core/errors.ts';
import type { BatchRequest } from '../../../src/core/request.ts';
import { type FakeVllm, type OpenedVllm, openSharedVllm } from '../../helpers/fake-vllm.ts';
import { chat } from '../candidates.ts';
import { completed, context } from '../conformance.ts';

/** A greedy chat of one turn. The fake echoes it, unless it asks for more (test/fake-vllm/vllm/fake/answers.py). */
export const question = (content: string, changes: Record<string, unknown> = {}): BatchRequest =>
  chat([{ role: 'user', content }], { temperature: 0, ...changes });

/** A request to another endpoint. */
export const at = (endpoint: BatchRequest['endpoint'], body: Record<string, unknown>): BatchRequest => ({
  id: 'other',
  line: 1,
  endpoint,
  body: { model: 'fake', ...body },
});

/** `response_format` with this schema. */
export const form = (schema: object): Record<string, unknown> => ({
  response_format: { type: 'json_schema', json_schema: { name: 'form', schema } },
});

/** A refusal that is thrown is the request's failure, as the scheduler has it. */
export async function ask(backend: Backend, request: BatchRequest): Promise<Answer> {
  try {
    return await backend.generate(request, context());
  } catch (error) {
    if (error instanceof EngineError) return failure(error.kind, error.message);
    throw error;
  }
}

export const complete = async (backend: Backend, request: BatchRequest): Promise<Completion> =>
  completed(await ask(backend, request));

export const textOf = ({ body }: Pick<Completion, 'body'>): string =>
  body.choices?.[0]?.message?.content ?? body.choices?.[0]?.text ?? '';

export const say = async (backend: Backend, request: BatchRequest): Promise<string> =>
  textOf(await complete(backend, request));

/** One engine for the tests of a file. */
export function shareVllm(fake: FakeVllm = {}, changes: Partial<OpenRequest> = {}): () => OpenedVllm {
  let opened: OpenedVllm;
  beforeAll(async () => {
    opened = await openSharedVllm(fake, changes);
  });
  afterAll(() => opened.backend.close());
  return () => opened;
}
