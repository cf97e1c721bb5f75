import { llamaCppBackend } from '../../src/backends/llama-cpp.ts';
import type { Backend, OpenRequest } from '../../src/core/backend.ts';

/** Opens the bundled model. */
export const openTinyScorer = (changes: Partial<OpenRequest> = {}): Promise<Backend> =>
  llamaCppBackend.open({
    model: 'tiny-scorer',
    options: { gpu: 'off' },
    workers: null,
    conversationTokens: null,
    allowControlTokens: false,
    signal: new AbortController().signal,
    onNotice: () => {},
    onRestart: () => {},
    ...changes,
  });
