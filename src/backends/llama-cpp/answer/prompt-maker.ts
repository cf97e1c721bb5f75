import type { LlamaModel, Token } from 'node-llama-cpp';
import type { BatchRequest } from '../../../core/request.ts';
import { lastTurnOf } from '../../request/last-turn.ts';
import { refuse } from '../../request/refuse.ts';
import type { EngineSettings } from '../options.ts';
import { chatTemplateOf } from '../model-texts.ts';
import { createRenderer } from './chat-template.ts';
import { readControlTokens } from './control-tokens.ts';
import { type Protected, protect } from './protect-texts.ts';
import { readMessages } from './read-messages.ts';

/**
 * Makes the tokens of a request's prompt: a chat by its template, a completion as it is, where control tokens
 * are what they are. `checkText` may refuse the text before it is tokenized.
 */
export type PromptMaker = (
  request: Pick<BatchRequest, 'endpoint' | 'body'>,
  checkText?: (text: string) => void,
) => Token[];

/**
 * A text of a chat that looks like a control token stays text: it is broken up with a mark before the template sees it,
 * and the rendered prompt is tokenized in the pieces between the marks.
 */
export function createPromptMaker(
  model: LlamaModel,
  settings: Pick<EngineSettings, 'allowControlTokens' | 'chatTemplate'>,
): PromptMaker {
  const template = chatTemplateOf(model, settings);
  const controlTokens = settings.allowControlTokens ? null : readControlTokens(model, template ?? '');
  const render = template === null ? null : createRenderer(model, template);
  const textOf = ({ endpoint, body }: Parameters<PromptMaker>[0]): Protected<string> => {
    if (endpoint !== '/v1/chat/completions') {
      if (typeof body.prompt !== 'string') throw refuse('bad-request', '`prompt` is not a text.');
      return { value: body.prompt, mark: null };
    }
    const messages = readMessages(body.messages, template?.includes('developer') ?? false);
    if (render === null) throw refuse('bad-request', noTemplate);
    const { value, mark } = protect(messages, controlTokens);
    return { value: render(value, lastTurnOf(body), body['chat_template_kwargs'] as Record<string, unknown>), mark };
  };
  return (request, checkText) => {
    const { value, mark } = textOf(request);
    checkText?.(value);
    return tokenize(model, value, mark);
  };
}

const noTemplate =
  'The model file has no chat template: give one with --chat-template, or send `prompt`, with its markup written out, to /v1/completions.';

/** A template may write the token that begins every prompt, and so may a prompt: it is there once. */
function tokenize(model: LlamaModel, text: string, mark: string | null): Token[] {
  const [first = '', ...others] = mark === null ? [text] : text.split(mark);
  const tokens = model.tokenize(first, true);
  for (const piece of others) tokens.push(...model.tokenize(piece, true, 'trimLeadingSpace'));
  const { bos, shouldPrependBosToken } = model.tokens;
  return bos !== null && shouldPrependBosToken && tokens[0] !== bos ? [bos, ...tokens] : tokens;
}
