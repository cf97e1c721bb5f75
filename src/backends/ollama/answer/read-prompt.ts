import type { BatchRequest, RequestBody } from '../../../core/request.ts';
import { lastTurnOf } from '../../request/last-turn.ts';
import { controlTokenFailure, promptTexts } from '../../request/prompt-texts.ts';
import { refuse } from '../../request/refuse.ts';
import type { ModelFacts } from '../model/model-facts.ts';
import { readMessages } from './read-messages.ts';
import type { WireMessage } from '../http/wire.ts';

export type Prompt = { bytes: number; hasImages: boolean } & (
  | { key: 'messages'; messages: WireMessage[]; continues: boolean }
  | { key: 'prompt'; text: string }
);

/** The prompt of a request. Refuses, by name, what the server would make something else of. */
export function readPrompt(
  { endpoint, body }: Pick<BatchRequest, 'endpoint' | 'body'>,
  facts: ModelFacts,
  { allowControlTokens }: { allowControlTokens: boolean },
): Prompt {
  if (endpoint !== '/v1/chat/completions') {
    const text = rawPrompt(body, facts);
    return { key: 'prompt', text, bytes: Buffer.byteLength(text), hasImages: false };
  }
  const messages = readMessages(body.messages ?? []);
  if (!allowControlTokens) checkControlTokens(body, facts);
  checkTools(body, facts);
  return {
    key: 'messages',
    messages,
    continues: isContinued(body),
    bytes: messages.flatMap(textsOf).reduce((sum, text) => sum + Buffer.byteLength(text), toolBytes(body)),
    hasImages: messages.some(({ images }) => images !== undefined),
  };
}

/** A completion's prompt goes to the model as it is. The token that the server puts before it is not there twice. */
export function rawPrompt({ prompt = '' }: RequestBody, { bos }: Pick<ModelFacts, 'bos'>): string {
  return bos !== null && prompt.startsWith(bos) ? prompt.slice(bos.length) : prompt;
}

/** The server would read one in the text of a chat as a part of the prompt's structure. */
function checkControlTokens(body: RequestBody, { controlTokens }: ModelFacts): void {
  for (const text of promptTexts(body)) {
    const token = controlTokens.find(text.text);
    if (token === null) continue;
    const { kind, message } = controlTokenFailure(text, token, 'which is a control token of the model');
    throw refuse(kind, message);
  }
}

/** Older servers do not tell what a model can do. */
function checkTools({ tools }: RequestBody, { capabilities }: ModelFacts): void {
  if (!Array.isArray(tools) || tools.length === 0 || capabilities.length === 0 || capabilities.includes('tools'))
    return;
  throw refuse(
    'bad-request',
    "The model's template does not support `tools`: remove them, or use a model with tools (ollama show lists the capabilities of a model).",
  );
}

/** The server has no words for how a prompt ends: it closes the turn and begins an answer, or its template goes on. */
function isContinued(body: RequestBody): boolean {
  const { continues, generates } = lastTurnOf(body);
  const last = body.messages?.at(-1);
  if (!generates && !continues)
    throw refuse(
      'bad-request',
      "ollama can't honour `add_generation_prompt`: false: remove it or use another backend.",
    );
  if (!continues && last?.role === 'assistant') {
    const what = "`continue_final_message`: false behind an assistant's message";
    throw refuse('bad-request', `ollama can't honour ${what}: put a user's message behind it, or use another backend.`);
  }
  return continues;
}

const textsOf = ({ content, thinking = '', tool_name: tool = '', tool_calls: calls = [] }: WireMessage): string[] => [
  content,
  thinking,
  tool,
  ...calls.map((call) => JSON.stringify(call)),
];

/** The template writes the tools into the prompt too. */
const toolBytes = ({ tools }: RequestBody): number =>
  tools === undefined || tools === null ? 0 : Buffer.byteLength(JSON.stringify(tools));
