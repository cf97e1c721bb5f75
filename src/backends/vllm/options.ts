export const vllmOptionsHelp: Record<string, string> = {
  chat_template: 'a Jinja file, as --chat-template',
  data_parallel_size: 'engines side by side, each with its own share of the GPUs (as --gpus)',
  dtype: 'of the weights: auto, bfloat16, float16, float32',
  enforce_eager: 'true: no CUDA graphs and no compilation; starts sooner, runs slower',
  gpu_memory_utilization: 'share of each GPU that vLLM takes (its default: 0.9 or 0.92)',
  lora_modules: 'LoRA adapters: name=folder,name=folder; a request names one as its model (with enable_lora=true)',
  max_model_len: 'tokens of prompt and answer together (default: what the model and the memory allow)',
  max_num_seqs: 'requests that run at once (its default: 256, or 1,024 on large GPUs)',
  quantization: 'awq, gptq, fp8, bitsandbytes, ...',
  ray_python: 'with --ray: the Python on the nodes that has vLLM (default: the one that Ray has there)',
  reasoning_parser: "splits a model's thinking off into reasoning_content: qwen3, deepseek_r1, ...",
  tensor_parallel_size: 'GPUs that one model is spread over',
  tool_call_parser: 'finds tool calls in answers: hermes, llama3_json, mistral, ...',
  '...': "any other of the engine's options (vllm serve --help=all), with _ for -",
};

/** vLLM's own parser checks the values, when the engine is opened: the options differ from version to version. */
export async function vllmOptionsSchema() {
  const { z } = await import('zod');
  const named = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
  const count = z.number().int().min(1).optional();
  const counts = { data_parallel_size: count, tensor_parallel_size: count, pipeline_parallel_size: count };
  return named.and(z.looseObject(counts));
}
