import type { BackendDefinition } from '../core/backend.ts';
import { endpoints } from '../core/request.ts';
import { openaiOptionsHelp, openaiOptionsSchema } from './openai/options.ts';

/** Any server that speaks OpenAI's API: `vllm serve`, `llama-server`, SGLang, LM Studio, a hosted one. */
export const openaiBackend: BackendDefinition = {
  name: 'openai',
  summary: 'models of an OpenAI-compatible server (--base-url, or OPENAI_BASE_URL)',
  endpoints,
  optionsHelp: openaiOptionsHelp,
  optionsSchema: openaiOptionsSchema,
  // Loaded when wanted: connections cost 50 ms.
  serves: async (model, place) => (await import('./openai/serves-model.ts')).servesModel(model, place),
  open: async (request) => (await import('./openai/open-openai.ts')).openOpenai(request),
};
