import type { AnswerFormat } from '../../../core/answer-format.ts';
import { type RequestBody, maxTokensOf } from '../../../core/request.ts';
import {
  checkKeys,
  commonRules,
  answerFormatOf,
  numberOf,
  stopsOf,
  thinkingKwargs,
  yesOrNo,
} from '../../request/body-rules.ts';

/**
 * Settings with which an answer is generated. Without a temperature it is greedy: always the likeliest token.
 */
export interface GenerationSettings {
  temperature: number;
  /** 1: no limit. */
  topP: number;
  /** 0: no limit. */
  topK: number;
  minP: number;
  /** Seed of the sampling; null takes another one each time. */
  seed: number | null;
  /** Maximum tokens of the answer; null lets it fill the context. */
  maxTokens: number | null;
  stop: string[];
  frequencyPenalty: number;
  presencePenalty: number;
  /** 1: none. */
  repeatPenalty: number;
  format: AnswerFormat;
}

/** The keys of a body that are honoured here, or change nothing in an answer, by the key of its prompt. */
const rules = {
  messages: {
    ...commonRules,
    add_generation_prompt: yesOrNo,
    continue_final_message: yesOrNo,
    chat_template_kwargs: thinkingKwargs,
  },
  prompt: commonRules,
};

/** Reads the sampling keys of a body; `promptKey` is read elsewhere. Refuses what can't be honoured, by name. */
export function readBody(body: RequestBody, promptKey: 'messages' | 'prompt'): GenerationSettings {
  checkKeys(body, promptKey, { backend: 'llama-cpp', rules: rules[promptKey] });
  return {
    temperature: numberOf(body, 'temperature', 0),
    topP: numberOf(body, 'top_p', 1),
    topK: Math.max(0, numberOf(body, 'top_k', 0)),
    minP: numberOf(body, 'min_p', 0),
    seed: numberOf(body, 'seed', null),
    maxTokens: maxTokensOf(body),
    stop: stopsOf(body),
    frequencyPenalty: numberOf(body, 'frequency_penalty', 0),
    presencePenalty: numberOf(body, 'presence_penalty', 0),
    repeatPenalty: numberOf(body, 'repeat_penalty', numberOf(body, 'repetition_penalty', 1)),
    format: answerFormatOf(body),
  };
}
