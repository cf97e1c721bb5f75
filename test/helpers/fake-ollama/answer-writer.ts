import type { ServerResponse } from 'node:http';
import { jsonType, send, sendJson } from './exchange.ts';
import type { Generated } from './generate.ts';
import { goJson, goTime, omitEmpty } from './go-json.ts';
import type { Refusal } from './refusal.ts';
import type { GenerateRequest } from './request.ts';

export interface AnswerWriter {
  piece: (text: string) => void;
  /** The last line, with the counters; null where the model just stopped talking. */
  end: (generated: Generated | null) => void;
  refuse: (refusal: Refusal) => void;
}

export interface AnswerTimes {
  /** `process.hrtime.bigint()` when the request came, and when its model was there. */
  begin: bigint;
  loaded: () => bigint;
}

/** Writes an answer as the request asks for it: one line a token, or one object. */
export function createAnswerWriter(
  request: GenerateRequest,
  response: ServerResponse,
  { times, reportsCached }: { times: AnswerTimes; reportsCached: boolean },
): AnswerWriter {
  let whole = '';
  const line = (value: unknown): void => {
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    response.write(`${goJson(value)}\n`);
  };
  return {
    piece(text) {
      if (request.stream) line({ ...said(request, text), done: false });
      else whole += text;
    },
    end(generated) {
      if (generated === null) {
        if (request.stream) response.end();
        else sendJson(response, 200, { ...said(request, whole), done: false });
        return;
      }
      const last = {
        ...said(request, request.stream ? '' : whole),
        done: true,
        done_reason: generated.doneReason,
        ...(request.route === 'generate' && { context: contextOf(generated) }),
        ...counters(generated, { times, reportsCached }),
      };
      if (!request.stream) return sendJson(response, 200, last);
      line(last);
      response.end();
    },
    refuse({ status, text, late }) {
      if (response.headersSent) {
        response.end(`${goJson({ error: text })}\n`);
      } else if (late && request.stream) {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.write(goJson({ error: text }));
        response.end();
      } else {
        send(response, status, { type: jsonType, text: goJson({ error: text }) });
      }
    },
  };
}

/** What an answer begins with; chat and generate carry their text differently. */
export function said(
  { route, model }: Pick<GenerateRequest, 'route' | 'model'>,
  text: string,
): Record<string, unknown> {
  const begin = { model, created_at: goTime() };
  if (route === 'generate') return { ...begin, response: text };
  return { ...begin, message: { role: 'assistant', content: text } };
}

function counters(
  generated: Generated,
  { times, reportsCached }: { times: AnswerTimes; reportsCached: boolean },
): Record<string, unknown> {
  return {
    ...omitEmpty({
      total_duration: Number(process.hrtime.bigint() - times.begin),
      load_duration: Number(times.loaded() - times.begin),
      prompt_eval_count: generated.prompt.tokens.length,
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
const contextOf = ({ prompt, answer }: Generated): number[] => [...prompt.tokens.slice(1), ...answer];
