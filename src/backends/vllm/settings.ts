import type { TemplateTrial, TrialOutcomes } from '../request/template-facts.ts';

/** Settings that the worker is opened with: `open_engine` of python/llmbatch_vllm/engine.py reads it. */
export interface VllmSettings {
  /** A folder, an id of a hub, or the name of an adapter. */
  model: string;
  /** Options of vLLM's engine, by the names of its `EngineArgs`. */
  options: Record<string, unknown>;
  /** Options that the engine itself does not have. */
  own: { chat_template?: string; lora_modules?: string; tool_call_parser?: string };
  /** Overrides the option after a lack of memory; null: as given. */
  maxNumSeqs: number | null;
  /** Text of a template in place of the model's own; null: that of the option, else the model's own. */
  chatTemplate: string | null;
  allowControlTokens: boolean;
  /** False: an answer that repeats itself without end is ended. */
  allowRepetition: boolean;
  /** Chats that the template is tried with. */
  trials: Readonly<Record<string, TemplateTrial>>;
}

/** Facts that the worker tells of the loaded engine: `engine_info` of python/llmbatch_vllm/model_facts.py. */
export interface VllmInfo {
  /** Version of vLLM. */
  version: string;
  /** Tokens that prompt and answer can have together. */
  contextTokens: number;
  /** Context window that the model's own files state, in tokens; null where they don't say. */
  trainedTokens: number | null;
  /** Sequences that the scheduler runs at once. */
  maxNumSeqs: number;
  /** Tokens that the KV cache holds; null where the version does not tell. */
  kvTokens: number | null;
  /** Says whether the beginnings of prompts are cached, in whole blocks of so many tokens; null where it isn't told. */
  prefixCaching: boolean | null;
  blockTokens: number | null;
  device: string;
  dtype: string;
  /** Digest that identifies the weights. */
  digest: string | null;
  canGenerate: boolean;
  /** Says whether the model has a chat template; without one it can't be given a chat. */
  hasTemplate: boolean;
  /** What the template made of the trials; empty where there is none. */
  trials: TrialOutcomes;
  /** It holds thoughts to `thinking_token_budget`. */
  hasThinkingBudget: boolean;
  /** The texts of the control tokens. */
  specialTexts: string[];
  canEmbed: boolean;
  /** The names of the LoRA adapters that requests may name as their model. */
  adapters: string[];
}
