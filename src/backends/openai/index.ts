import type { BackendDefinition } from '../../core/backend.ts';
import { endpoints } from '../../core/request.ts';
import { openaiConnection } from './connection.ts';
import { openaiOptionsHelp, openaiOptionsSchema } from './options.ts';

/** Any server that speaks OpenAI's API: `vllm serve`, `llama-server`, SGLang, LM Studio, a hosted one. */
export const openaiBackend: BackendDefinition = {
  name: 'openai',
  summary: 'models of an OpenAI-compatible server (--base-url, or OPENAI_BASE_URL)',
  endpoints,
  connection: openaiConnection,
  chatTemplate:
    'The server renders the prompts: start it with its own flag for that, such as vllm serve --chat-template FILE or llama-server --chat-template-file FILE.',
  optionsHelp: openaiOptionsHelp,
  canUnload: false,
  optionsSchema: openaiOptionsSchema,
  moreSlots: (slots) =>
    `the server's own setting (llama-server: --parallel ${slots}; vllm serve: --max-num-seqs ${slots})`,
  doctor: { examine: async (request) => (await import('./doctor.ts')).examineOpenai(request) },
  // Loaded when wanted: connections cost 50 ms.
  serves: async (model, address) => (await import('./server/served-models.ts')).servesModel(model, address),
  weightsDigest: async () => null,
  open: async (request) => (await import('./open-openai.ts')).openOpenai(request),
};
