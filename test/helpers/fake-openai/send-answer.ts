import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JsonObject, textIn } from '../fake-ollama/json.ts';
import type { Spoken } from './answer.ts';
import type { FaultName } from './faults.ts';

export interface Sending {
  body: JsonObject;
  spoken: Spoken;
  fault: FaultName | null;
  tokenMs: number;
}

/** Sends an answer as the request asks for it, with the fault that is planned for it. */
export async function sendAnswer(response: ServerResponse, sending: Sending): Promise<void> {
  const changed = change(sending);
  if (changed.body['stream'] === true) await sendStream(response, changed);
  else await sendWhole(response, changed);
}

function change(sending: Sending): Sending {
  const { fault, spoken } = sending;
  const finishReason = { 'content-filter-end': 'content_filter', abort: 'abort' }[String(fault)] ?? spoken.finishReason;
  const isSilent = fault === 'empty' || fault === 'nothing' || fault === 'refusal';
  const usage = fault === 'nothing' ? { ...spoken.usage, completion_tokens: 0 } : spoken.usage;
  return { ...sending, spoken: { usage, finishReason, pieces: isSilent ? [] : spoken.pieces } };
}

const refusalText = "I can't help with that.";
const slowDown = { error: { message: 'Slow down', code: 429 } };
const inStreamError = { error: { message: 'The engine lost its way', type: 'InternalServerError', code: 500 } };

async function sendWhole(response: ServerResponse, sending: Sending): Promise<void> {
  const { spoken, fault, tokenMs } = sending;
  await sleep(tokenMs * spoken.pieces.length);
  const refusal = fault === 'refusal' ? { refusal: refusalText } : {};
  const content = spoken.pieces.join('');
  const end = { index: 0, logprobs: null, finish_reason: fault === 'no-finish' ? null : spoken.finishReason };
  const choice = isChat(sending)
    ? { ...end, message: { role: 'assistant', content, ...refusal }, stop_reason: null }
    : { ...end, text: content };
  const choices = fault === 'no-choices' ? {} : { choices: fault === 'no-choice' ? [] : [choice] };
  const usage = fault === 'no-usage' ? {} : { usage: spoken.usage };
  const answer = fault === 'error-with-200' ? slowDown : { ...headOf(sending, ''), ...choices, ...usage };
  const text = JSON.stringify(answer);
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  if (fault === 'reset' || fault === 'closed') {
    response.write(text.slice(0, text.length / 2));
    await breakOff(response, fault);
  } else if (fault === 'garbled') response.end(`${text.slice(0, -3)}???`);
  else response.end(text);
}

async function sendStream(response: ServerResponse, sending: Sending): Promise<void> {
  const { spoken, fault, tokenMs } = sending;
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
  const head = headOf(sending, '.chunk');
  const send = (value: unknown): void => void response.write(`data: ${JSON.stringify(value)}\n\n`);
  const part = (piece: object, finish: string | null = null): void => {
    const choices = fault === 'no-choice' ? [] : [{ index: 0, ...piece, logprobs: null, finish_reason: finish }];
    send({ ...head, ...(fault === 'no-choices' ? {} : { choices }) });
  };
  const say = (text: string) => (isChat(sending) ? { delta: { content: text } } : { text });
  if (isChat(sending)) part({ delta: { role: 'assistant', content: '' } });
  response.write(': ping\n\n');
  for (const [index, piece] of spoken.pieces.entries()) {
    if (tokenMs > 0) await sleep(tokenMs);
    if (response.destroyed) return;
    if (index === 2 && (await breakStream(response, fault, send))) return;
    part(say(piece));
  }
  if (fault === 'refusal') part({ delta: { refusal: refusalText } });
  part(say(''), fault === 'no-finish' ? null : spoken.finishReason);
  if (fault !== 'no-usage') send({ ...head, choices: [], usage: spoken.usage });
  if (fault !== 'no-done') response.write('data: [DONE]\n\n');
  response.end();
}

/** Returns whether the stream is over. */
async function breakStream(
  response: ServerResponse,
  fault: FaultName | null,
  send: (value: unknown) => void,
): Promise<boolean> {
  if (fault === 'garbled') response.write('data: {"choices":[{"ind\n\n');
  if (fault === 'cut-stream') response.end();
  if (fault === 'error-in-stream') {
    send(inStreamError);
    response.end('data: [DONE]\n\n');
  }
  if (fault === 'error-with-200') {
    send(slowDown);
    response.end();
  }
  if (fault === 'reset' || fault === 'closed') await breakOff(response, fault);
  return response.writableEnded || response.destroyed;
}

async function breakOff(response: ServerResponse, how: 'reset' | 'closed'): Promise<void> {
  // What was written goes out before.
  await sleep(5);
  if (how === 'reset') response.socket?.resetAndDestroy();
  else response.destroy();
}

const isChat = ({ body }: Sending): boolean => Array.isArray(body['messages']);

const headOf = (sending: Sending, chunk: string): JsonObject => ({
  id: isChat(sending) ? 'chatcmpl-1' : 'cmpl-1',
  object: isChat(sending) ? `chat.completion${chunk}` : 'text_completion',
  created: 1_700_000_000,
  model: textIn(sending.body['model']),
});
