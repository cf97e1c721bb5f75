import { type Failure, failure } from '../../core/completion.ts';
import type { ChatMessage, ContentPart, RequestBody } from '../../core/request.ts';

/** A text of a request that a server writes into the prompt. */
export interface PromptText {
  /** Place of the text as a user would name it: `messages[1]`, `tools`. */
  where: string;
  text: string;
}

/**
 * Lists every text of a chat, or of an input to be embedded, that goes into the prompt. The prompt of a completion is
 * raw by contract.
 */
export function promptTexts({ messages = [], input, ...others }: RequestBody): PromptText[] {
  const inputs = [input]
    .flat()
    .map((text, index) => ({ where: Array.isArray(input) ? `input[${index}]` : 'input', text }));
  return [
    ...messages.flatMap((message, index) => messageTexts(message, `messages[${index}]`)),
    ...inputs.filter((given): given is PromptText => typeof given.text === 'string'),
    ...templateKeys.flatMap((key) => textsIn(others[key], key)),
  ];
}

/** The failure of a request with such a token in one of its texts. `whose`: what the token is known by. */
export function controlTokenFailure({ where }: PromptText, token: string, whose: string): Failure {
  return failure(
    'control-token',
    `${where} holds \`${token}\`, ${whose} and would become part of the prompt's structure: remove it, or send it with --control-tokens allow.`,
  );
}

/**
 * Keys that a chat template is given beside the messages: it may write any of their texts, and the names of their
 * fields.
 */
const templateKeys = ['tools', 'functions', 'documents', 'chat_template_kwargs'];

function messageTexts({ content, ...others }: ChatMessage, where: string): PromptText[] {
  const said = Array.isArray(content) ? content.map(partText).join('') : (content ?? '');
  return [
    { where, text: said },
    ...Object.entries(others).flatMap(([key, value]) => textsIn(value, `${where}.${key}`)),
  ];
}

const binaryParts = new Set(['image_url', 'input_image', 'input_audio', 'audio_url', 'video_url', 'file']);

/** The parts are joined without a gap, as some templates do: a token may be spelled in two of them. */
function partText(part: ContentPart): string {
  if (binaryParts.has(part.type)) return '';
  const { type: _type, ...texts } = part;
  return Object.values(texts)
    .filter((value) => value !== null && value !== undefined)
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
    .join('');
}

function textsIn(value: unknown, where: string): PromptText[] {
  if (value === null || value === undefined) return [];
  return [{ where, text: typeof value === 'string' ? value : JSON.stringify(value) }];
}
