import type { BackendDefinition } from '../../core/backend.ts';
import { endpoints } from '../../core/request.ts';
import { mockOptionsHelp, mockOptionsSchema } from './options.ts';

/**
 * An engine without a model, file or network: for demonstrations, tests and the smoke benchmark. What becomes of a request
 * follows from the seed, its id and how often it failed before, never from order or time, but for
 * `answers_change_at`. A token is a word.
 */
export const mockBackend: BackendDefinition = {
  name: 'mock',
  summary: 'no model: deterministic answers, latency and faults, for demos and tests',
  endpoints,
  isSimulated: true,
  optionsHelp: mockOptionsHelp,
  optionsSchema: mockOptionsSchema,
  moreSlots: (slots) => `--option slots=${slots}`,
  serves: (model) => model === 'mock' || model.startsWith('mock:'),
  weightsDigest: async () => null,
  open: async (request) => (await import('./open-mock.ts')).openMock(request),
};
