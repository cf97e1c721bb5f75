import type { BackendDefinition } from '../core/backend.ts';
import { llamaCppBackend } from './llama-cpp.ts';
import { mockBackend } from './mock.ts';
import { ollamaBackend } from './ollama.ts';
import { openaiBackend } from './openai.ts';
import { vllmBackend } from './vllm.ts';

/** Every engine there is, in the order in which they are offered a model that no `--backend` claims. */
export const backends: readonly BackendDefinition[] = [
  llamaCppBackend,
  mockBackend,
  ollamaBackend,
  openaiBackend,
  vllmBackend,
];
