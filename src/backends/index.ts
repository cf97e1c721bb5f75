import type { BackendDefinition } from '../core/backend.ts';
import { llamaCppBackend } from './llama-cpp/index.ts';
import { mockBackend } from './mock/index.ts';
import { ollamaBackend } from './ollama/index.ts';
import { openaiBackend } from './openai/index.ts';
import { vllmBackend } from './vllm/index.ts';

/** Every engine there is, in the order in which they are offered a model that no `--backend` claims. */
export const backends: readonly BackendDefinition[] = [
  llamaCppBackend,
  mockBackend,
  ollamaBackend,
  openaiBackend,
  vllmBackend,
];
