import { llamaCppBackend } from '../../src/backends/llama-cpp/index.ts';
import type { Backend, OpenRequest } from '../../src/core/backend.ts';
import { openRequest } from '../helpers/open-request.ts';

const realServer = process.env['LLMBATCH_TEST_LLAMA_SERVER'] ?? null;

/** The forms of the embedded engine by the names that the tests have for them, each with its options. */
export const engineForms = [
  { form: 'llama-cpp', options: { gpu: 'off' }, isAbsent: false },
  {
    form: 'llama-cpp (on the llama-server that LLMBATCH_TEST_LLAMA_SERVER names)',
    options: { gpu: 'off', server: realServer },
    isAbsent: realServer === null,
  },
];

/** Opens the bundled model. */
export const openTinyScorer = (changes: Partial<OpenRequest> = {}): Promise<Backend> =>
  llamaCppBackend.open(openRequest('tiny-scorer', { options: { gpu: 'off' }, ...changes }));
