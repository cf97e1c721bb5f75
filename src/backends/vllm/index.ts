import type { BackendDefinition, EnginePlace } from '../../core/backend.ts';
import { vllmOptionsHelp, vllmOptionsSchema } from './options.ts';

/** vLLM in a Python process of ours: its continuous batching, its results one by one, and its deaths healed. */
export const vllmBackend: BackendDefinition = {
  name: 'vllm',
  summary: 'models of Hugging Face on GPUs, in a Python with vLLM (--python; pip install vllm)',
  endpoints: ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'],
  optionsHelp: vllmOptionsHelp,
  hasOpenOptions: true,
  optionsSchema: vllmOptionsSchema,
  serves,
  async open(request) {
    const { openVllm } = await import('./open-vllm.ts');
    return openVllm(request);
  },
};

/** A folder of Hugging Face's, or an id of its hub, where there is a Python with vLLM. */
async function serves(model: string, place: EnginePlace): Promise<boolean> {
  const { isHuggingFaceName } = await import('./model-name.ts');
  if (!(await isHuggingFaceName(model))) return false;
  const { findPython } = await import('./find-python.ts');
  return (await findPython(place)).vllmVersion !== null;
}
