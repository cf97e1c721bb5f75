import type { OpenRequest } from '../../core/backend.ts';

/**
 * Are the requests chats? By the longest and a usual one of them: what would fail for each is said once, before the first.
 * False where the input is still being read.
 */
export async function areChats({ promptLengths }: Pick<OpenRequest, 'promptLengths'>): Promise<boolean> {
  const lengths = await promptLengths();
  return lengths !== null && [lengths.usual, ...lengths.longest].every(({ body }) => body.messages !== undefined);
}
