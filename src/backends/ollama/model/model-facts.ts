import { type ControlTokens, createControlTokens, isMarkup, templateTokens } from '../../request/control-tokens.ts';
import type { ShownModel } from '../http/wire.ts';
import { foreignText } from '../../http/json-text.ts';

/** Facts that the server tells of a model; null stands for what it does not tell. */
export interface ModelFacts {
  family: string | null;
  /** Name of the file of its weights in the server's store, `sha256-...`; null where the server does not name it. */
  weightsFile: string | null;
  capabilities: readonly string[];
  /** It can be told how much to think, not only whether to. */
  hasThinkingLevels: boolean;
  /** Tokens of the longest context that it was trained on. */
  trainedTokens: number | null;
  /** Bytes of KV cache that a token takes, with 16-bit values; less in layers with a sliding window. */
  kvBytesPerToken: number | null;
  /** Values of a key in each attention head: a quantised KV cache needs a multiple of its block. */
  keyLength: number | null;
  hasSlidingWindow: boolean;
  /** Values that the model's own settings give to options, such as `repeat_penalty`. */
  parameters: ReadonlyMap<string, string>;
  /** Texts at which the model's own settings end an answer. A request's own would take their place at the server. */
  stops: readonly string[];
  controlTokens: ControlTokens;
  /** The token that the server itself puts before every prompt; null where it puts none or does not tell. */
  bos: string | null;
  /** Says whether the server lists the control tokens; where not, only those in the template are known. */
  knowsControlTokens: boolean;
}

export function modelFacts(shown: ShownModel): ModelFacts {
  const number = numberReader(shown);
  const listed = listedControlTokens(shown);
  const parameters = parametersOf(shown.parameters ?? '');
  return {
    family: shown.details?.family || null,
    weightsFile: /^FROM .*(sha256-[\da-f]{64})\s*$/m.exec(shown.modelfile ?? '')?.[1] ?? null,
    capabilities: shown.capabilities ?? [],
    hasThinkingLevels: hasLevels(shown),
    trainedTokens: number('context_length'),
    kvBytesPerToken: kvBytes(number, kvHeads(shown)),
    keyLength: headLength(number, 'key'),
    hasSlidingWindow: number('attention.sliding_window') !== null,
    parameters: new Map(parameters),
    stops: parameters.flatMap(([name, value]) => (name === 'stop' ? [unquote(value)] : [])),
    controlTokens: createControlTokens(listed ?? templateTokens(shown.template ?? '')),
    knowsControlTokens: listed !== null,
    bos: addedBos(shown),
  };
}

/** The families of gpt-oss, whose thinking has levels and no end. */
export const alwaysThinks = ({ family }: Pick<ModelFacts, 'family'>): boolean =>
  family === 'gptoss' || family === 'gpt-oss';

/** The level is named so in a template of Ollama's, and in one of Hugging Face's. */
const hasLevels = ({ details, template = '' }: ShownModel): boolean =>
  alwaysThinks({ family: details?.family ?? null }) || /ThinkLevel|reasoning_effort/.test(template);

/** Reads numbers of the model's architecture by the names of a GGUF file; null where there is none. */
function numberReader(shown: ShownModel): (key: string) => number | null {
  return (key) => {
    const value = valueOf(shown, key);
    return typeof value === 'number' ? value : null;
  };
}

function valueOf({ model_info: info = {}, details }: ShownModel, key: string): unknown {
  const named = info['general.architecture'];
  return info[`${typeof named === 'string' ? named : (details?.family ?? '')}.${key}`];
}

/** Keys and values of all heads, 16 bits each. */
function kvBytes(number: (key: string) => number | null, heads: number | null): number | null {
  const [keys, values] = [headLength(number, 'key'), headLength(number, 'value')];
  if (heads === null || keys === null || values === null) return null;
  return heads * (keys + values) * 2;
}

/** Heads of keys and values in all layers; some models have another number of them in each. */
function kvHeads(shown: ShownModel): number | null {
  const heads = valueOf(shown, 'attention.head_count_kv') ?? valueOf(shown, 'attention.head_count');
  if (isNumbers(heads)) return heads.reduce((sum, count) => sum + count, 0);
  const layers = numberReader(shown)('block_count');
  return typeof heads === 'number' && layers !== null ? heads * layers : null;
}

function headLength(number: (key: string) => number | null, of: 'key' | 'value'): number | null {
  const [heads, embedding] = [number('attention.head_count'), number('embedding_length')];
  return number(`attention.${of}_length`) ?? (heads === null || embedding === null ? null : embedding / heads);
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((text) => typeof text === 'string');
const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every(Number.isFinite);

/** Types of tokens in a GGUF file. */
const tokenTypes = { unknown: 2, control: 3, userDefined: 4 } as const;

/**
 * The texts of the vocabulary's control tokens, and of those user-defined ones of which the template makes its turns.
 */
function listedControlTokens({ model_info: info = {}, template = '' }: ShownModel): string[] | null {
  const tokens: unknown = info['tokenizer.ggml.tokens'];
  const types = info['tokenizer.ggml.token_type'];
  if (!isTexts(tokens) || !Array.isArray(types)) return null;
  const ends = new Set([info['tokenizer.ggml.eos_token_id'], info['tokenizer.ggml.eot_token_id']]);
  return tokens.filter((text, id) => {
    const type: unknown = types[id];
    if (type === tokenTypes.control || type === tokenTypes.unknown || ends.has(id)) return true;
    return type === tokenTypes.userDefined && isMarkup(text, template);
  });
}

/**
 * The token that begins every prompt. Where a file does not say, llama.cpp adds it for SentencePiece vocabularies and
 * for Llama 3's.
 */
function addedBos({ model_info: info = {} }: ShownModel): string | null {
  const [tokens, id] = [info['tokenizer.ggml.tokens'], info['tokenizer.ggml.bos_token_id']];
  const isUsual = info['tokenizer.ggml.model'] === 'llama' || info['tokenizer.ggml.pre'] === 'llama-bpe';
  const adds = info['tokenizer.ggml.add_bos_token'] ?? isUsual;
  if (adds !== true || !Array.isArray(tokens) || typeof id !== 'number') return null;
  const text: unknown = tokens[id];
  return typeof text === 'string' && text !== '' ? text : null;
}

function parametersOf(text: string): (readonly [name: string, value: string])[] {
  const rows = text.split('\n').map((line) => /^(\S+)\s+(.*)$/.exec(line.trim()));
  return rows.flatMap((row) => (row === null ? [] : [[row[1] ?? '', row[2] ?? ''] as const]));
}

/** A text as Go quotes it, which JSON reads but for rare escapes. */
function unquote(text: string): string {
  try {
    return foreignText(JSON.parse(text));
  } catch {
    return text.replace(/^"(.*)"$/s, '$1');
  }
}

/** Model families that always get a single slot, whatever OLLAMA_NUM_PARALLEL says (server/sched.go of Ollama 0.33). */
const oneSlotFamilies = new Set(
  'mllama qwen3vl qwen3vlmoe qwen35 qwen35moe qwen3next lfm2 lfm2moe nemotron_h nemotron_h_moe nemotron_h_omni'.split(
    ' ',
  ),
);

export const hasOneSlot = ({ family }: Pick<ModelFacts, 'family'>): boolean => oneSlotFamilies.has(family ?? '');
