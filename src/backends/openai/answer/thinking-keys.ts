import type { RequestBody } from '../../../core/request.ts';
import { isThinking, thinkingSwitches } from '../../../core/thinking.ts';
import { refuse } from '../../request/refuse.ts';
import type { TemplateFacts } from '../../request/template-facts.ts';
import { withTemplateKeys } from '../../request/template-keys.ts';
import type { OpenaiClient } from '../http/client.ts';
import type { ServerFacts } from '../server/server-facts.ts';
import { serverTemplate } from '../server/server-template.ts';

/** The body with its `think` in the words of the server. Rejects, by name, where the server can't do it. */
export type TellThinking = (body: RequestBody, signal: AbortSignal) => Promise<RequestBody>;

/** Only `think` is translated: it is llmbatch's own word here, and all other keys are the server's. */
export function createThinking(
  client: Pick<OpenaiClient, 'ask' | 'place'>,
  facts: ServerFacts,
  model: string,
): TellThinking {
  let template: Promise<TemplateFacts | null> | null = null;
  return async (body, signal) => {
    const { think, ...others } = body;
    if (!isThinking(think)) return body;
    if (body.messages === undefined)
      throw refuse(
        'bad-request',
        '`think` is only for chats: in a raw prompt, write the markup for thinking into the prompt.',
      );
    // A server that can't be asked now is asked again by the next request.
    template ??= serverTemplate(client, { kind: facts.kind, model }, signal).catch((error: unknown) => {
      template = null;
      throw error;
    });
    const found = await template;
    if (found === null) return { ...others, ...keysFor(think, facts, others) };
    const budget = { key: facts.kind === 'vllm' ? 'thinking_token_budget' : 'thinking_budget_tokens' };
    return withTemplateKeys(
      { ...others, think },
      { engine: facts.version, template: { ...found, systemProblem: null }, fitting: [], budget, schemaAdvice: null },
    );
  };
}

/** Keys for a server that does not show its template: OpenAI's own, and for SGLang the words of all templates. */
function keysFor(think: boolean | string | number, { kind, version }: ServerFacts, body: object): object {
  if (typeof think === 'number')
    throw refuse(
      'bad-request',
      `${version} is not known to limit thinking to a number of tokens: use low, medium or high.`,
    );
  if (typeof think === 'string') return { reasoning_effort: think };
  const takesKwargs = kind === 'vllm' || kind === 'llama-server' || version === 'sglang';
  if (!takesKwargs) return { reasoning_effort: think ? 'medium' : 'none' };
  const given = 'chat_template_kwargs' in body ? (body.chat_template_kwargs as object) : {};
  return { chat_template_kwargs: { ...Object.fromEntries(thinkingSwitches.map((word) => [word, think])), ...given } };
}
