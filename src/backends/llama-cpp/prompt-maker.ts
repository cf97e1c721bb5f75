import { Template } from '@huggingface/jinja';
import type { LlamaModel, Token } from 'node-llama-cpp';
import type { BatchRequest, ChatMessage } from '../../core/request.ts';
import type { ControlTokens } from '../request/control-tokens.ts';
import { readControlTokens } from './control-tokens.ts';
import { readMessages } from './read-messages.ts';
import { refuse } from '../request/refuse.ts';
import { sentenceOf } from '../request/sentence-of.ts';

/**
 * Makes the tokens of a request's prompt: a chat by the model's own template, a completion as it is. `checkText` may
 * refuse the text before it is tokenized.
 */
export type PromptMaker = (
  request: Pick<BatchRequest, 'endpoint' | 'body'>,
  checkText?: (text: string) => void,
) => Token[];

/**
 * A text of the user's that looks like a control token stays text: it is broken up with a mark before the template
 * sees it, and the rendered prompt is tokenized in the pieces between the marks. Without such a text nothing differs.
 */
export function createPromptMaker(
  model: LlamaModel,
  { allowControlTokens }: { allowControlTokens: boolean },
): PromptMaker {
  const controlTokens = allowControlTokens ? null : readControlTokens(model);
  const render = createRenderer(model);
  const textOf = ({ endpoint, body }: Parameters<PromptMaker>[0]): Protected<string> => {
    if (endpoint === '/v1/chat/completions') {
      const { value, mark } = protect(readMessages(body.messages), controlTokens);
      return { value: render(value), mark };
    }
    if (typeof body.prompt !== 'string') throw refuse('bad-request', '`prompt` is not a text.');
    return protect(body.prompt, controlTokens);
  };
  return (request, checkText) => {
    const { value, mark } = textOf(request);
    checkText?.(value);
    return tokenize(model, value, mark);
  };
}

function createRenderer(model: LlamaModel): (messages: ChatMessage[]) => string {
  const source = model.fileInfo.metadata.tokenizer?.chat_template;
  const { bosString, eosString } = model.tokens;
  let template: Template | null = null;
  return (messages) => {
    if (source === undefined) {
      throw refuse(
        'bad-request',
        'The model file has no chat template: send `prompt` to /v1/completions, or use another file.',
      );
    }
    try {
      template ??= new Template(source);
      return template.render({
        messages,
        add_generation_prompt: true,
        bos_token: bosString ?? '',
        eos_token: eosString ?? '',
        // Null and not absent, as the templates' authors have it: `tools is not none` is a common test.
        tools: null,
        documents: null,
      });
    } catch (error) {
      throw refuse('bad-request', `The model's chat template can't render these messages: ${sentenceOf(error)}`);
    }
  };
}

interface Protected<T> {
  value: T;
  /** What parts the pieces that are to be tokenized apart; null where there is nothing to part. */
  mark: string | null;
}

function protect<T>(value: T, controlTokens: ControlTokens | null): Protected<T> {
  if (controlTokens === null || !textsOf(value).some(controlTokens.isIn)) return { value, mark: null };
  const mark = unusedCharacter(textsOf(value).join(''));
  return { value: mapTexts(value, (text) => controlTokens.breakUp(text, mark)) as T, mark };
}

function textsOf(value: unknown): string[] {
  const texts: string[] = [];
  mapTexts(value, (text) => {
    texts.push(text);
    return text;
  });
  return texts;
}

/** A copy with every text in it replaced, keys of objects too: a tool call's arguments may have any. */
function mapTexts(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, replace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [replace(key), mapTexts(item, replace)]));
}

/** A character for private use that the text has not. */
function unusedCharacter(text: string): string {
  for (let code = 0xe000; code <= 0xf8ff; code++) {
    const character = String.fromCodePoint(code);
    if (!text.includes(character)) return character;
  }
  throw refuse('control-token', 'The text has a control token, and every character that could part it.');
}

function tokenize(model: LlamaModel, text: string, mark: string | null): Token[] {
  const [first = '', ...others] = mark === null ? [text] : text.split(mark);
  const tokens = model.tokenize(first, true);
  for (const piece of others) tokens.push(...model.tokenize(piece, true, 'trimLeadingSpace'));
  const { bos, shouldPrependBosToken } = model.tokens;
  return bos !== null && shouldPrependBosToken && tokens[0] !== bos ? [bos, ...tokens] : tokens;
}
