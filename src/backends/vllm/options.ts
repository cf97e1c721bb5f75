export const vllmOptionsHelp: Record<string, string> = {
  chat_template: 'a Jinja file, like --chat-template',
  data_parallel_size: 'number of engines, each with its own GPUs (like --gpus)',
  dtype: 'of the weights: auto, bfloat16, float16, float32',
  enforce_eager: 'true: no CUDA graphs and no compilation; starts sooner, runs slower',
  gpu_memory_utilization: 'share of the memory of each GPU that vLLM uses (default of vLLM: 0.9 or 0.92)',
  lora_modules: 'LoRA adapters: name=folder,name=folder; a request selects one by its model (needs enable_lora=true)',
  max_model_len: 'maximum tokens of prompt and answer together (default: as the model and the memory allow)',
  max_num_seqs: 'number of requests that run at once (default of vLLM: 256, or 1,024 on large GPUs)',
  quantization: 'awq, gptq, fp8, bitsandbytes, ...',
  ray_python: 'with --ray: the Python with vLLM on the nodes (default: the Python that runs Ray there)',
  reasoning_parser: "moves a model's thinking to reasoning_content: qwen3, deepseek_r1, ...",
  tensor_parallel_size: 'number of GPUs that share one model',
  tool_call_parser: 'finds tool calls in answers: hermes, llama3_json, mistral, ...',
  '...': 'any other option of the engine (vllm serve --help=all), with _ instead of -',
};

/** vLLM's own parser checks the values, when the engine is opened: the options differ from version to version. */
export async function vllmOptionsSchema() {
  const { z } = await import('zod');
  const named = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
  const count = z.number().int().min(1).optional();
  const counts = { data_parallel_size: count, tensor_parallel_size: count, pipeline_parallel_size: count };
  return named.and(z.looseObject(counts));
}
