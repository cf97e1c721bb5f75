import { keyTypes } from './key-types.ts';
import { type KeyTable, type RequestKey, asThink, keys } from './known-keys.ts';

const { anything, flag, integer, list, number, object, text } = keyTypes;

const foreign = (names: string, instead: string, known: Partial<RequestKey> = {}): KeyTable =>
  keys(names, { type: anything, isForeign: true, instead, ...known });

const byType = (type: RequestKey['type']): Partial<RequestKey> => ({ type, isByType: true });
const unless = (...neutral: unknown[]): Partial<RequestKey> => ({ neutral });

const format = 'use `response_format`: {"type": "json_schema", "json_schema": {"schema": ...}}';
const inside = 'move its keys into the line itself, beside `messages`, with the names of the OpenAI API';

/**
 * Keys of other APIs, libraries and clients, which no engine here has, with the key to write instead. A server that gets
 * one mostly ignores it in silence.
 */
export const foreignKeys: KeyTable = {
  // Hugging Face's transformers and TGI.
  ...foreign('max_new_tokens max_length', 'use `max_tokens`'),
  ...foreign('min_new_tokens min_length', 'use `min_tokens`, if the engine supports it'),
  ...foreign('do_sample', 'use `temperature`: 0 for the most likely answer'),
  ...foreign('num_return_sequences', 'use `n`', unless(1)),
  ...foreign('num_beams', 'no engine here supports beam search', unless(1)),
  ...foreign('num_beam_groups', 'no engine here supports beam search', unless(1)),
  ...foreign('early_stopping return_full_text return_dict_in_generate watermark decoder_input_details', 'remove it', {
    type: anything,
    neutral: [false],
  }),
  ...foreign('use_cache', 'remove it', unless(true)),
  ...foreign('no_repeat_ngram_size', 'use `repetition_penalty`', unless(0)),
  ...foreign('encoder_repetition_penalty', 'use `repetition_penalty`', unless(1)),
  ...foreign('epsilon_cutoff eta_cutoff', 'use `min_p`', unless(0)),
  ...foreign('eos_token_id pad_token_id bos_token_id', 'use `stop_token_ids`, if the engine supports it'),
  ...foreign('bad_words_ids', 'use `logit_bias`, if the engine supports it', unless([])),
  ...foreign('penalty_alpha', 'remove it', unless(0)),
  ...foreign('typical', 'use `typical_p`', byType(number)),
  ...foreign('stop_words stop_strings stops until', 'use `stop`', unless([])),
  ...foreign('max_time', 'say --timeout'),
  ...foreign('adapter_id', 'use the name of the adapter as `model`'),
  // Anthropic, Gemini, Mistral, Cohere and the Responses API.
  ...foreign('stop_sequences stopSequences', 'use `stop`', unless([])),
  ...foreign('max_tokens_to_sample max_output_tokens maxOutputTokens maxTokens', 'use `max_tokens`'),
  ...foreign('thinking reasoning', asThink, byType(object)),
  ...foreign('thinkingConfig thinking_config enable_thinking', asThink),
  ...foreign('thinking_budget reasoning_budget', asThink, byType(integer)),
  ...foreign('cache_control', 'remove it: the shared beginning of prompts is cached automatically', byType(object)),
  ...foreign('output_format output_config', format, byType(object)),
  ...foreign('anthropic_version anthropic_beta betas', 'remove it'),
  ...foreign('mcp_servers', 'no engine here calls tools', unless([])),
  ...foreign('systemInstruction system_instruction', 'use `system`'),
  ...foreign('instructions developer', 'use `system`', byType(text)),
  ...foreign('system_prompt systemPrompt system_message preamble', 'use `system`'),
  ...foreign('generationConfig generation_config', inside, unless({})),
  ...foreign('safetySettings safety_settings', 'remove it: no engine here has such filters', unless([])),
  ...foreign('toolConfig tool_config', 'use `tool_choice`', unless({})),
  ...foreign('cachedContent cached_content', 'remove it: the shared beginning of prompts is cached automatically'),
  ...foreign(
    'responseMimeType response_mime_type',
    'use `response_format`: {"type": "json_object"}',
    unless('text/plain'),
  ),
  ...foreign('responseSchema response_schema responseJsonSchema responseFormat', format),
  ...foreign('candidateCount candidate_count', 'use `n`', unless(1)),
  ...foreign('topP', 'use `top_p`'),
  ...foreign('topK', 'use `top_k`'),
  ...foreign('minP', 'use `min_p`'),
  ...foreign('presencePenalty', 'use `presence_penalty`', unless(0)),
  ...foreign('frequencyPenalty', 'use `frequency_penalty`', unless(0)),
  ...foreign('repetitionPenalty repeatPenalty', 'use `repetition_penalty`', unless(1)),
  ...foreign('toolChoice', 'use `tool_choice`', unless('auto', 'none')),
  ...foreign('random_seed', 'use `seed`'),
  ...foreign('safe_prompt', 'write its text in `system`', unless(false)),
  ...foreign('prompt_mode', asThink),
  ...foreign(
    'previous_response_id conversation_id',
    'no answer is stored here: put the whole conversation into `messages`',
  ),
  ...foreign('background', 'remove it', { ...byType(flag), neutral: [false] }),
  ...foreign('truncation', 'shorten the prompt: prompts are never cut here', {
    ...byType(text),
    neutral: ['disabled'],
  }),
  // Clients: OpenAI's in Python, LangChain, LiteLLM, OpenRouter, vLLM's offline class, lm-eval.
  ...foreign('extra_body', "it belongs to OpenAI's Python client: move its keys into the body itself", unless({})),
  ...foreign('extra_headers extra_query', 'remove it: it belongs to a client library', unless({})),
  ...foreign(
    'sampling_params samplingParams model_kwargs generation_kwargs gen_kwargs parameters',
    inside,
    byType(object),
  ),
  ...foreign('sampling_parameters model_params model_parameters', inside, byType(object)),
  ...foreign('model_name modelName', 'use `model`'),
  ...foreign('temp', 'use `temperature`', byType(number)),
  ...foreign('num_retries max_retries', 'say --retries'),
  ...foreign('timeout request_timeout', 'say --timeout', byType(number)),
  ...foreign('api_key apiKey', 'never keep a key in a file: set OPENAI_API_KEY'),
  ...foreign('api_base base_url', 'say --base-url'),
  ...foreign('custom_llm_provider drop_params fallbacks', 'remove it: it belongs to a client library'),
  ...foreign('provider', 'remove it: it chooses among hosted services', byType(object)),
  ...foreign('models', 'use `model`', byType(list)),
  ...foreign('schema', format, byType(object)),
};
