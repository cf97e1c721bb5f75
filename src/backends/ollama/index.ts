import type { BackendDefinition } from '../../core/backend.ts';
import { endpoints } from '../../core/request.ts';
import { ollamaConnection } from './connection.ts';
import { ollamaOptionsHelp, ollamaOptionsSchema } from './options.ts';

/** An Ollama server, by its own API: `/v1` would cut long prompts in silence. */
export const ollamaBackend: BackendDefinition = {
  name: 'ollama',
  summary: 'models of an Ollama server (--host, or OLLAMA_HOST)',
  endpoints,
  howToServe: 'start an Ollama server and fetch the model (ollama serve; ollama pull NAME)',
  connection: ollamaConnection,
  optionsHelp: ollamaOptionsHelp,
  unloadOptions: { keep_alive: 0 },
  optionsSchema: ollamaOptionsSchema,
  // Loaded when wanted: the client and its connections cost 60 ms.
  serves: async (model, address) => (await import('./open-ollama.ts')).servesModel(model, address),
  open: async (request) => (await import('./open-ollama.ts')).openOllama(request),
};
