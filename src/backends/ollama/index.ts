import type { BackendDefinition } from '../../core/backend.ts';
import { endpoints } from '../../core/request.ts';
import { ollamaConnection } from './connection.ts';
import { ollamaOptionsHelp, ollamaOptionsSchema } from './options.ts';

/** An Ollama server, by its own API: `/v1` would cut long prompts in silence. */
export const ollamaBackend: BackendDefinition = {
  name: 'ollama',
  summary: 'models of an Ollama server (--host, or OLLAMA_HOST)',
  endpoints,
  exampleModel: 'gemma3:4b',
  connection: ollamaConnection,
  chatTemplate:
    'Ollama renders the prompts: give the model a TEMPLATE in a Modelfile, and make one with ollama create; -b llama-cpp takes --chat-template for a GGUF file.',
  optionsHelp: ollamaOptionsHelp,
  unloadOptions: { keep_alive: 0 },
  optionsSchema: ollamaOptionsSchema,
  moreSlots: (slots) =>
    `OLLAMA_NUM_PARALLEL=${slots} when you start the server; each slot needs memory for its own context window`,
  installPaths: async (address) => (await import('./doctor/install-paths.ts')).installPaths(address),
  doctor: {
    install: 'Ollama (https://ollama.com/download)',
    probe: {
      description:
        'Tests an Ollama server with a few short requests, which takes seconds and loads a model if none is loaded.',
      option:
        'an engine option for the test, such as num_thread=1; repeatable; use the options of a run in progress to avoid loading its model again',
    },
    examine: async (request) => (await import('./doctor/examine.ts')).examineOllama(request),
  },
  // Loaded when wanted: the client and its connections cost 60 ms.
  serves: async (model, address) => (await import('./open/open-ollama.ts')).servesModel(model, address),
  weightsDigest: async (model, address) => (await import('./open/weights-digest.ts')).weightsDigest(model, address),
  open: async (request) => (await import('./open/open-ollama.ts')).openOllama(request),
};
