import type { ServerResponse } from 'node:http';
import { jsonType, send, sendJson } from './exchange.ts';
import { goJson, goTime, omitEmpty } from './go-json.ts';
import { type Logprob, logprobsOf } from './logprobs.ts';
import type { Refusal } from './refusal.ts';
import type { GenerateRequest } from './request.ts';

/** A piece of an answer: its text, and the tokens it comes from. */
export interface AnswerPart {
  kind: 'thinking' | 'content';
  text: string;
  tokens: number[];
}

export interface Decoded {
  doneReason: 'stop' | 'length';
  evalCount: number;
  /** What was said, without the end of turn. */
  said: number[];
}

export interface Generated extends Decoded {
  promptTokens: number[];
  /** What is reported; a cut prompt may show another count. */
  promptCount: number;
  cached: number;
  promptEvalNs: number;
  evalNs: number;
}

export interface AnswerWriter {
  part: (part: AnswerPart) => void;
  /** A call of a tool, instead of text. */
  call: (tool: string) => void;
  /** The last line, with the counters; null where the model just stopped talking. */
  end: (generated: Generated | null) => void;
  refuse: (refusal: Refusal) => void;
  /** A line that is no JSON; without a stream, the body is cut in the middle. */
  garble: () => void;
  /** Breaks the connection, or closes it. */
  breakOff: (how: 'reset' | 'closed') => void;
}

interface AnswerTimes {
  /** `process.hrtime.bigint()` when the request came, and when its model was there. */
  begin: bigint;
  loaded: bigint;
}

interface WriterSettings {
  times: AnswerTimes;
  reportsCached: boolean;
}

/** Writes an answer as the request asks for it: a line a token, or one object. */
export function createAnswerWriter(
  request: GenerateRequest,
  response: ServerResponse,
  settings: WriterSettings,
): AnswerWriter {
  const whole = { content: '', thinking: '', calls: [] as unknown[], logprobs: [] as Logprob[], isGarbled: false };
  const write = (line: string): void => {
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    response.write(`${line}\n`);
  };
  const line = (value: unknown): void => write(goJson(value));
  const wholeAnswer = (): Record<string, unknown> => said(request, whole.content, omitWhole(whole));

  return {
    part({ kind, text, tokens }) {
      const logprobs = request.topLogprobs === null ? [] : logprobsOf(tokens, request.topLogprobs);
      whole.logprobs.push(...logprobs);
      if (!request.stream) whole[kind] += text;
      else {
        const content = kind === 'content' ? text : '';
        const thinking = kind === 'thinking' ? { thinking: text } : {};
        line({ ...said(request, content, thinking), done: false, ...(logprobs.length > 0 && { logprobs }) });
      }
    },
    call(name) {
      const call = { id: 'call_00000001', function: { index: 0, name, arguments: {} } };
      if (request.stream) line({ ...said(request, '', { tool_calls: [call] }), done: false });
      else whole.calls.push(call);
    },
    end(generated) {
      if (response.destroyed) return;
      if (generated === null) {
        if (!request.stream) sendJson(response, 200, { ...wholeAnswer(), done: false });
        else if (response.headersSent) response.end();
        else response.writeHead(200, { 'Content-Type': 'application/x-ndjson' }).end();
        return;
      }
      const last = {
        ...(request.stream ? said(request, '') : wholeAnswer()),
        done: true,
        done_reason: generated.doneReason,
        ...(request.route === 'generate' && !request.raw && { context: contextOf(generated) }),
        ...counters(generated, settings),
        ...(!request.stream && whole.logprobs.length > 0 && { logprobs: whole.logprobs }),
      };
      if (request.stream) {
        line(last);
        response.end();
      } else {
        const text = goJson(last);
        send(response, 200, { type: jsonType, text: whole.isGarbled ? text.slice(0, text.length / 2) : text });
      }
    },
    refuse({ status, text, late }) {
      if (response.headersSent) {
        response.end(`${goJson({ error: text })}\n`);
      } else if (late && request.stream) {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.write(goJson({ error: text }));
        response.end();
      } else sendJson(response, status, { error: text });
    },
    garble() {
      whole.isGarbled = true;
      if (request.stream) write(goJson(said(request, 'x')).slice(0, -12));
    },
    breakOff(how) {
      if (how === 'reset') response.socket?.resetAndDestroy();
      else response.destroy();
    },
  };
}

/** What an answer begins with; chat and generate carry their text differently. */
export function said(
  { route, model }: Pick<GenerateRequest, 'route' | 'model'>,
  text: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const begin = { model, created_at: goTime() };
  if (route === 'generate') return { ...begin, response: text, ...more };
  return { ...begin, message: { role: 'assistant', content: text, ...more } };
}

const omitWhole = ({ thinking, calls }: { thinking: string; calls: unknown[] }): Record<string, unknown> => ({
  ...(thinking !== '' && { thinking }),
  ...(calls.length > 0 && { tool_calls: calls }),
});

function counters(generated: Generated, { times, reportsCached }: WriterSettings): Record<string, unknown> {
  return {
    ...omitEmpty({
      total_duration: Number(process.hrtime.bigint() - times.begin),
      load_duration: Number(times.loaded - times.begin),
      prompt_eval_count: generated.promptCount,
    }),
    // The one counter that is sent as 0, too.
    ...(reportsCached && { prompt_eval_cached_count: generated.cached }),
    ...omitEmpty({
      prompt_eval_duration: generated.promptEvalNs,
      eval_count: generated.evalCount,
      eval_duration: generated.evalNs,
    }),
  };
}

/** Prompt and answer as tokens, without the BOS. */
const contextOf = ({ promptTokens, said: answer }: Generated): number[] => [...promptTokens.slice(1), ...answer];
