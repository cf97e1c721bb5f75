import { isRecord } from '../../../data/is-record.ts';
import { parsedOrText } from '../../http/json-text.ts';
import { type TemplateFacts, type TemplateTrial, templateFacts, templateTrials } from '../../request/template-facts.ts';
import type { OpenaiClient } from '../http/client.ts';
import type { ServerFacts } from './server-facts.ts';

type Ask = (trial: TemplateTrial, signal: AbortSignal) => Promise<string>;

/**
 * Tries the template of the model on the server itself, by the pages that `llama-server` (`/apply-template`) and
 * `vllm serve` (`/tokenize`, `/detokenize`) have beside OpenAI's API. Null where there is no such page.
 */
export async function serverTemplate(
  client: Pick<OpenaiClient, 'ask' | 'place'>,
  { kind, model }: Pick<ServerFacts, 'kind'> & { model: string },
  signal: AbortSignal,
): Promise<TemplateFacts | null> {
  const post = async (page: string, body: object): Promise<Record<string, unknown>> => {
    const { text } = await client.ask(`${client.place.root}${page}`, body, signal);
    const said = parsedOrText(text);
    return isRecord(said) ? said : {};
  };
  const ofLlamaServer: Ask = async ({ messages, kwargs }) =>
    textIn(await post('/apply-template', { messages, chat_template_kwargs: kwargs }));
  const ofVllm: Ask = async ({ messages, kwargs }) => {
    const keys = { add_generation_prompt: true, chat_template_kwargs: kwargs };
    const { tokens } = await post('/tokenize', { model, messages, ...keys });
    return textIn(await post('/detokenize', { model, tokens }));
  };
  const ask = kind === 'llama-server' ? ofLlamaServer : kind === 'vllm' ? ofVllm : null;
  if (ask === null || (await ask(templateTrials['plain']!, signal)) === '') return null;
  const outcomes: Record<string, { text: string } | { problem: string }> = {};
  for (const [name, trial] of Object.entries(templateTrials)) {
    const text = await ask(trial, signal);
    outcomes[name] = text === '' ? { problem: 'the server has no prompt for it' } : { text };
  }
  return templateFacts(outcomes);
}

const textIn = ({ prompt }: Record<string, unknown>): string => (typeof prompt === 'string' ? prompt : '');
