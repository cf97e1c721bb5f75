// The wire format of Ollama's own API, as far as it is used here. Durations are nanoseconds; a zero may be absent.

export interface WireMessage {
  role: string;
  content: string;
  thinking?: string;
  images?: string[];
  tool_calls?: WireToolCall[];
  tool_name?: string;
  tool_call_id?: string;
}

export interface WireToolCall {
  id?: string;
  function: { index?: number; name: string; arguments: Record<string, unknown> };
}

/** Options that a loaded model has: another value of one of them loads it anew. */
export interface RunnerOptions {
  num_ctx: number;
  num_batch?: number;
  num_gpu?: number;
  main_gpu?: number;
  use_mmap?: boolean;
  num_thread?: number;
}

/**
 * Fields that every request for an answer has in common. `shift` is never sent: its value is one of the loaded model's
 * options.
 */
export interface WireRequest {
  model: string;
  /** Absent: as it is for the loaded model, else the server's own. */
  keep_alive?: number | string;
  truncate: false;
  options: RunnerOptions & Record<string, unknown>;
}

export interface ChatRequest extends WireRequest {
  messages: WireMessage[];
  think?: boolean | string;
  format?: string | object;
  tools?: unknown[];
  logprobs?: boolean;
  top_logprobs?: number;
}

/** `raw`: the prompt goes to the model as it is, without the template of a chat. */
export interface GenerateRequest extends Omit<ChatRequest, 'messages' | 'tools'> {
  prompt: string;
  raw: true;
}

export interface EmbedRequest extends WireRequest {
  input: string | string[];
  dimensions?: number;
}

/** One line of a stream; the last one has `done` and the counters. */
export interface AnswerPart {
  model?: string;
  /** RFC 3339 in UTC, nanoseconds, by the server's clock. */
  created_at?: string;
  message?: Partial<WireMessage>;
  response?: string;
  thinking?: string;
  logprobs?: unknown[];
  done?: boolean;
  done_reason?: string;
  total_duration?: number;
  load_duration?: number;
  prompt_eval_count?: number;
  /** Prompt tokens taken from the cache; reported from 0.33.3 on, 0 included. */
  prompt_eval_cached_count?: number;
  prompt_eval_duration?: number;
  eval_count?: number;
  eval_duration?: number;
}

export interface EmbedAnswer {
  embeddings: number[][];
  prompt_eval_count?: number;
}

export interface ShownModel {
  template?: string;
  /** The file that a model is made from; `FROM` names the file of its weights. */
  modelfile?: string;
  /** Lines of `name value`. */
  parameters?: string;
  details?: { family?: string; parameter_size?: string; quantization_level?: string; format?: string };
  model_info?: Record<string, unknown>;
  capabilities?: string[];
}

export interface StoredModel {
  name: string;
  size: number;
  digest: string;
  details?: ShownModel['details'] & { context_length?: number };
  capabilities?: string[];
  /** Address of the host of a model that runs elsewhere, in the cloud. */
  remote_host?: string;
}

export interface RunningModel {
  name: string;
  digest: string;
  /** Weights, KV cache and buffers, in bytes; and the part of it in GPU memory. */
  size: number;
  size_vram: number;
  /** Tokens of one slot's context window. */
  context_length?: number;
}
