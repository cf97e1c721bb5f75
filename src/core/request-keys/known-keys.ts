import { type KeyType, keyTypes } from './key-types.ts';

const {
  anything,
  flag,
  flagOrInteger,
  integer,
  integers,
  list,
  listOrObject,
  number,
  object,
  objectList,
  text,
  textList,
  textOrObject,
  texts,
  thinking,
} = keyTypes;

/** What is known of a key of a request, whichever engine or API it is from. */
export interface RequestKey {
  type: KeyType;
  /** Values beside null that change nothing in an answer, whatever the engine. */
  neutral?: readonly unknown[];
  /** What to do where it can't be honoured; completes the sentence "the engine can't honour it: ...". */
  instead?: string;
  /** It never changes an answer: every engine takes it, and in a plain line it stays with the row as well. */
  isLabel?: true;
  /** Its name is a likely one for data: in a plain line it is a request key only with a value of its type. */
  isByType?: true;
  /** No engine has it: a line that gives it is a bad line. */
  isForeign?: true;
}

export type KeyTable = Readonly<Record<string, RequestKey>>;

/** Keys, parted by spaces, of which the same is known. */
export const keys = (names: string, known: RequestKey): KeyTable =>
  Object.fromEntries(names.split(' ').map((name) => [name, known]));

const ofType = (type: KeyType, names: string): KeyTable => keys(names, { type });
const neutral = (type: KeyType, names: string, ...values: unknown[]): KeyTable =>
  keys(names, { type, neutral: values });

const asFormat = 'use `response_format`: {"type": "json_schema", "json_schema": {"schema": ...}}';
export const asThink = 'use `think`: true, false, "low", "medium", "high" or a number of tokens';
/** No answer depends on how long a server keeps a model. */
const forServer = 'remove it, or set it in the configuration of the server';
const forAll = 'it is the same for all requests of a run: see --option';

/** How many thoughts, on every engine that can; Ollama's own key, with a number of tokens beside its values. */
const think: KeyTable = keys('think', {
  type: thinking,
  instead: 'it is only for chats: in a raw prompt, write the markup for thinking into the prompt',
});

/** Keys of OpenAI's chat, completions and embeddings. */
const ofApi: KeyTable = {
  ...ofType(text, 'model'),
  ...keys('reasoning_effort', { type: text, instead: asThink }),
  // Whatever their value, it counts against the model's own default.
  ...ofType(number, 'temperature top_p min_p frequency_penalty presence_penalty repetition_penalty repeat_penalty'),
  ...ofType(integer, 'max_tokens max_completion_tokens seed dimensions'),
  ...neutral(integer, 'n best_of', 1),
  ...neutral(integer, 'top_logprobs', 0),
  ...neutral(texts, 'stop', []),
  ...neutral(flagOrInteger, 'logprobs', false),
  ...neutral(listOrObject, 'logit_bias', {}, []),
  ...neutral(object, 'response_format', { type: 'text' }),
  ...neutral(objectList, 'tools functions', []),
  ...neutral(textOrObject, 'tool_choice function_call', 'auto', 'none'),
  ...ofType(flag, 'parallel_tool_calls'),
  ...neutral(textList, 'modalities', ['text']),
  ...ofType(object, 'audio prediction web_search_options'),
  ...neutral(text, 'verbosity', 'medium'),
  ...neutral(text, 'service_tier', 'auto', 'default'),
  ...neutral(flag, 'echo', false),
  ...neutral(text, 'suffix', ''),
  ...neutral(text, 'encoding_format', 'float'),
  ...keys('stream store', { type: flag, neutral: [true, false] }),
  ...keys('stream_options', { type: object, isLabel: true }),
  ...keys('user prompt_cache_key prompt_cache_retention safety_identifier request_id', { type: text, isLabel: true }),
  ...keys('metadata', { type: object, isLabel: true }),
};

/** Keys that vLLM's and SGLang's servers add to those. */
const ofServers: KeyTable = {
  ...neutral(integer, 'min_tokens', 0),
  ...neutral(number, 'length_penalty', 1),
  ...ofType(integer, 'top_k truncate_prompt_tokens prompt_logprobs'),
  ...keys('thinking_token_budget', { type: integer, instead: asThink }),
  ...neutral(integers, 'stop_token_ids', []),
  ...ofType(integers, 'allowed_token_ids logprob_token_ids'),
  ...neutral(textList, 'bad_words', []),
  ...neutral(flag, 'ignore_eos use_beam_search include_stop_str_in_output', false),
  ...neutral(flag, 'return_prompt_text return_token_offsets return_mm_kwargs skip_reading_prefix_cache', false),
  ...neutral(flag, 'return_tokens_as_token_ids return_token_ids flat_logprobs return_cached_tokens', false),
  ...neutral(flag, 'include_reasoning separate_reasoning stream_reasoning detokenize', true),
  ...ofType(flag, 'skip_special_tokens spaces_between_special_tokens add_special_tokens'),
  ...ofType(flag, 'add_generation_prompt continue_final_message no_stop_trim'),
  ...keys('documents', { type: objectList, neutral: [[]], isByType: true }),
  ...keys('chat_template', { type: text, instead: 'give the template for the whole run, with --chat-template' }),
  ...neutral(object, 'chat_template_kwargs mm_processor_kwargs media_io_kwargs vllm_xargs', {}),
  ...ofType(object, 'kv_transfer_params ec_transfer_params repetition_detection'),
  ...ofType(flag, 'watermarking'),
  ...ofType(text, 'truncation_side guided_decoding_backend guided_whitespace_pattern lora_path'),
  ...keys('structured_outputs structural_tag', { type: textOrObject, instead: asFormat }),
  ...keys('guided_json', { type: textOrObject, instead: asFormat }),
  ...keys('guided_choice', { type: textList, instead: `${asFormat}, with an \`enum\`` }),
  ...keys('guided_regex guided_grammar ebnf', { type: text, instead: asFormat }),
  ...keys('regex', { type: text, isByType: true, instead: asFormat }),
  ...keys('guided_json_object', {
    type: flag,
    neutral: [false],
    instead: 'use `response_format`: {"type": "json_object"}',
  }),
  ...keys('stream_interval', { type: integer, isLabel: true }),
  ...keys('priority', { type: integer, isLabel: true }),
  ...keys('cache_salt', { type: text, isLabel: true }),
};

/** Keys of `llama-server`, and of LM Studio. */
const ofLocalServers: KeyTable = {
  ...keys('n_predict', { type: integer, instead: 'use `max_tokens`' }),
  ...neutral(integer, 'mirostat', 0),
  ...neutral(number, 'typical_p', 1),
  ...neutral(number, 'xtc_probability dry_multiplier dynatemp_range', 0),
  ...ofType(number, 'mirostat_tau mirostat_eta top_n_sigma dynatemp_exponent xtc_threshold dry_base tfs_z top_a'),
  ...ofType(integer, 'repeat_last_n dry_allowed_length dry_penalty_last_n n_probs min_keep n_keep n_discard'),
  ...ofType(integer, 'id_slot t_max_predict_ms'),
  ...keys('thinking_budget_tokens', { type: integer, instead: asThink }),
  ...ofType(list, 'dry_sequence_breakers image_data response_fields lora grammar_triggers'),
  ...ofType(flag, 'penalize_nl grammar_lazy post_sampling_probs return_tokens parse_tool_calls thinking_forced_open'),
  ...keys('cache_prompt timings_per_token return_progress', { type: flag, isLabel: true }),
  ...ofType(texts, 'samplers'),
  ...ofType(text, 'reasoning_format draft_model'),
  ...keys('grammar', { type: textOrObject, instead: asFormat }),
  ...keys('json_schema', { type: object, instead: asFormat }),
  ...keys('ttl', { type: integer, isByType: true, instead: forServer }),
};

/** Keys of Ollama's own API, at the top of a request and in its `options`. */
const ofNativeApi: KeyTable = {
  ...keys('options', {
    type: object,
    isByType: true,
    instead: 'move its keys into the line itself, and those of the model, such as num_ctx, into --option',
  }),
  ...keys('format', {
    type: { wants: '"json" or a schema', accepts: (value) => value === 'json' || object.accepts(value) },
    isByType: true,
    instead: 'use `response_format`: {"type": "json_object"}, or with a schema {"type": "json_schema", ...}',
  }),
  ...keys('keep_alive', { type: anything, instead: forServer }),
  ...neutral(flag, 'raw', false),
  ...keys('images', {
    type: list,
    neutral: [[]],
    isByType: true,
    instead: 'put them into `messages`, as parts of type "image_url"',
  }),
  ...keys('context', { type: integers, isByType: true }),
  ...ofType(text, 'template'),
  ...keys('num_predict', { type: integer, instead: 'use `max_tokens`' }),
  ...keys('num_ctx num_keep num_gpu num_thread num_batch main_gpu', { type: integer, instead: forAll }),
  ...keys('use_mmap use_mlock numa low_vram', { type: flag, instead: forAll }),
};

/** The keys that some engine has. */
export const knownKeys: KeyTable = { ...think, ...ofApi, ...ofServers, ...ofLocalServers, ...ofNativeApi };
