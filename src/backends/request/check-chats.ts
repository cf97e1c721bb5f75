import type { OpenRequest } from '../../core/backend.ts';
import { EngineError, UsageError } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';

/**
 * Are the requests chats? By the longest and a usual one of them: what would fail for each is said once, before the first.
 * False where the input is still being read.
 */
export async function areChats({ promptLengths }: Pick<OpenRequest, 'promptLengths'>): Promise<boolean> {
  const lengths = await promptLengths();
  return lengths !== null && [lengths.usual, ...lengths.longest].every(({ body }) => body.messages !== undefined);
}

/**
 * Refuses a run whose requests would all fail for what `check` throws, or rejects with, by the longest and a usual one of them: it is said
 * once, before the first. Silent where the input is still being read.
 */
export async function checkChats(
  { promptLengths }: Pick<OpenRequest, 'promptLengths'>,
  check: (request: BatchRequest) => unknown,
): Promise<void> {
  const lengths = await promptLengths();
  if (lengths === null) return;
  const refusals: (EngineError | null)[] = [];
  for (const request of [lengths.usual, ...lengths.longest]) refusals.push(await refusalOf(() => check(request)));
  const [refusal] = refusals;
  if (refusal && refusals.every((one) => one !== null)) throw new UsageError(refusal.message);
}

async function refusalOf(check: () => unknown): Promise<EngineError | null> {
  try {
    await check();
    return null;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
}
