import { llamaCppBackend } from '../../src/backends/llama-cpp/index.ts';
import type { Backend, OpenRequest } from '../../src/core/backend.ts';
import { openRequest } from '../helpers/open-request.ts';

/** Opens the bundled model. */
export const openTinyScorer = (changes: Partial<OpenRequest> = {}): Promise<Backend> =>
  llamaCppBackend.open(openRequest('tiny-scorer', { options: { gpu: 'off' }, ...changes }));
