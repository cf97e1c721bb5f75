import { isNeutral } from '../../../core/request-keys/request-keys.ts';
import { type BatchRequest, type RequestBody, maxTokensOf } from '../../../core/request.ts';
import { isThinking, thinkingOf } from '../../../core/thinking.ts';
import {
  type Rule,
  anything,
  checkKeys,
  commonRules,
  answerFormatOf,
  integer,
  number,
  numberOf,
  only,
  stopsOf,
  thinkingKwargs,
  yesOrNo,
} from '../../request/body-rules.ts';
import { refuse } from '../../request/refuse.ts';
import type { ChatRequest } from '../http/wire.ts';

const levels = ['none', 'minimal', 'low', 'medium', 'high'];
const list: Rule = { wants: 'a list', accepts: (value) => Array.isArray(value) };

const commonKeys = {
  ...commonRules,
  typical_p: number(0, 1),
  logprobs: yesOrNo,
  top_logprobs: integer(0, 20),
};

/** The keys of a body that are honoured here, or change nothing in an answer, by the key of its prompt. */
const rules: Record<'messages' | 'prompt' | 'input', Record<string, Rule>> = {
  messages: {
    ...commonKeys,
    tools: list,
    add_generation_prompt: yesOrNo,
    continue_final_message: yesOrNo,
    reasoning_effort: { wants: levels.join(', '), accepts: (value) => levels.includes(value as string) },
    think: { wants: 'true, false, low, medium or high', accepts: isThinking },
    chat_template_kwargs: thinkingKwargs,
  },
  prompt: commonKeys,
  input: {
    model: anything,
    user: anything,
    dimensions: integer(1, Number.MAX_SAFE_INTEGER),
    encoding_format: only('float'),
  },
};

/** The settings of a request body, without its prompt, in Ollama's terms. */
export interface AskedFor {
  /** Sampling options. Those that neither the body nor the run gives are the model's own. */
  options: Record<string, unknown>;
  /** `max_tokens`; null where none is given. */
  maxTokens: number | null;
  request: Pick<ChatRequest, 'think' | 'format' | 'tools' | 'logprobs' | 'top_logprobs'>;
}

/** Options that have the same name in both. */
const sameNames = [
  'temperature',
  'top_p',
  'min_p',
  'typical_p',
  'seed',
  'frequency_penalty',
  'presence_penalty',
  'repeat_penalty',
];

/** Reads the keys of a body. Refuses what can't be honoured, by name. */
export function readBody({ body }: Pick<BatchRequest, 'body'>, promptKey: 'messages' | 'prompt' | 'input'): AskedFor {
  checkOwnOptions(body);
  checkKeys(body, promptKey, { backend: 'ollama', rules: rules[promptKey] });
  const given = sameNames.filter((name) => typeof body[name] === 'number').map((name) => [name, body[name]]);
  const options: Record<string, unknown> = Object.fromEntries(given);
  const repetition = numberOf(body, 'repetition_penalty', null);
  if (repetition !== null) options['repeat_penalty'] ??= repetition;
  // Minus one is "no limit" in other engines; here that is 0.
  const topK = numberOf(body, 'top_k', null);
  if (topK !== null) options['top_k'] = Math.max(0, topK);
  const stops = stopsOf(body);
  if (stops.length > 0) options['stop'] = stops;
  return { options, maxTokens: maxTokensOf(body), request: requestKeys(body) };
}

/** They belong to the loaded model, which all requests share. */
function checkOwnOptions(body: RequestBody): void {
  const key = ['options', 'num_ctx', 'num_predict', 'keep_alive'].find((name) => !isNeutral(name, body[name]));
  if (key === undefined) return;
  const way = key === 'num_predict' ? 'use max_tokens' : 'it is the same for a whole run, see --option';
  throw refuse('bad-request', `ollama can't honour \`${key}\` in a line: ${way}.`);
}

function requestKeys(body: RequestBody): AskedFor['request'] {
  const format = answerFormatOf(body);
  const keys: AskedFor['request'] = { think: thinkOf(body) };
  if (format.type === 'json_object') keys.format = 'json';
  if (format.type === 'json_schema') keys.format = format.schema;
  if (Array.isArray(body['tools']) && body['tools'].length > 0 && body['tool_choice'] !== 'none')
    keys.tools = body['tools'];
  if (body['logprobs'] === true) keys.logprobs = true;
  if (typeof body['top_logprobs'] === 'number') keys.top_logprobs = body['top_logprobs'];
  return keys;
}

/** Said always: where it is not, the server lets a model think that can. A number of tokens is refused before. */
function thinkOf(body: RequestBody): boolean | string {
  const asked = thinkingOf(body) ?? false;
  return asked === 'minimal' ? 'low' : typeof asked === 'number' || asked;
}
