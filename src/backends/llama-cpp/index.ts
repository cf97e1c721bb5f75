import type { BackendDefinition } from '../../core/backend.ts';
import { installCommand } from './install-command.ts';
import { llamaOptionsHelp, llamaOptionsSchema } from './options.ts';

/**
 * llama.cpp inside a child process of ours: GGUF files, no server. Answers are greedy unless `temperature` is given.
 */
export const llamaCppBackend: BackendDefinition = {
  name: 'llama-cpp',
  summary: 'GGUF files, embedded: no server to start (npm install node-llama-cpp)',
  endpoints: ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'],
  exampleModel: 'x.gguf',
  modelForm: 'a GGUF file',
  defaultTemperature: 0,
  chatTemplate: true,
  optionsHelp: llamaOptionsHelp,
  optionsSchema: llamaOptionsSchema,
  installPaths: async () => (await import('./doctor.ts')).installPaths(),
  doctor: {
    install: installCommand,
    examine: async ({ model }) => (await import('./doctor.ts')).examineLlamaCpp(model),
  },
  serves: async (model) => (await import('./serves-model.ts')).servesModel(model),
  weightsDigest: async (model) => (await import('./model-file.ts')).weightsDigest(model),
  open: async (request) => (await import('./open-llama-cpp.ts')).openLlamaCpp(request),
};
