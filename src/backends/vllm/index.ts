import type { BackendDefinition } from '../../core/backend.ts';
import { vllmConnection } from './connection.ts';
import { vllmOptionsHelp, vllmOptionsSchema } from './options.ts';

/** vLLM in a Python process of ours: its continuous batching, its results one by one, and its deaths healed. */
export const vllmBackend: BackendDefinition = {
  name: 'vllm',
  summary: 'models from Hugging Face on GPUs, in a Python with vLLM (--python; pip install vllm)',
  endpoints: ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'],
  exampleModel: 'google/gemma-3-4b-it',
  connection: vllmConnection,
  chatTemplate: true,
  optionsHelp: vllmOptionsHelp,
  hasOpenOptions: true,
  optionsSchema: vllmOptionsSchema,
  moreSlots: (slots) => `--option max_num_seqs=${slots}, where the memory allows`,
  installPaths: async (address) => (await import('./find-python.ts')).installPaths(address),
  doctor: { examine: async (request) => (await import('./doctor.ts')).examineVllm(request) },
  serves: async (model, address) => (await import('./serves-model.ts')).servesModel(model, address),
  open: async (request) => (await import('./open-vllm.ts')).openVllm(request),
};
