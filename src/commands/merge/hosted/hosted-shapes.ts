import { type ResponseBody, responseBody } from '../../../core/completion.ts';
import type { ErrorKind } from '../../../core/errors.ts';
import { isRecord } from '../../../data/is-record.ts';

/** A result of a hosted service, read. */
interface HostedResult {
  /** The id as it was sent. */
  id: string;
  outcome: { body: ResponseBody } | { code: ErrorKind; message: string };
}

type Line = Record<string, unknown>;

/** A service's lines, told from those of others by their keys. */
export interface HostedShape {
  isOf: (line: Line) => boolean;
  /** Null where the line is not whole. */
  read: (line: Line) => HostedResult | null;
}

const recordAt = (value: unknown, key: string): Line => {
  const inner = isRecord(value) ? value[key] : undefined;
  return isRecord(inner) ? inner : {};
};
const textAt = (value: Line, key: string): string => (typeof value[key] === 'string' ? value[key] : '');
const countAt = (value: Line, key: string): number | undefined =>
  typeof value[key] === 'number' ? value[key] : undefined;

const codesByStatus: Readonly<Record<number, ErrorKind>> = {
  400: 'bad-request',
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'model-not-found',
  408: 'timeout',
  413: 'context-too-long',
  429: 'rate-limited',
  503: 'overloaded',
  529: 'overloaded',
};
const codeOfStatus = (status: number): ErrorKind =>
  codesByStatus[status] ?? (status < 500 ? 'bad-request' : 'server-error');

/** `{"custom_id", "response": {"status_code", "body"}, "error"}`: OpenAI, and Mistral after it. */
const openaiShape: HostedShape = {
  isOf: (line) =>
    typeof line['custom_id'] === 'string' && ('response' in line || 'error' in line) && !('result' in line),
  read(line) {
    const response = recordAt(line, 'response');
    const body = typeof response['body'] === 'string' ? parsed(response['body']) : recordAt(response, 'body');
    const status = countAt(response, 'status_code') ?? 0;
    const id = textAt(line, 'custom_id');
    if (status === 200) return { id, outcome: { body: body as unknown as ResponseBody } };
    const error = isRecord(line['error']) ? line['error'] : recordAt(body, 'error');
    const message = textAt(error, 'message') || textAt(body, 'message') || 'the service gives no reason';
    const hasExpired = /expired|timeout|cancel/.test(textAt(error, 'code'));
    return { id, outcome: { code: hasExpired ? 'timeout' : codeOfStatus(status === 0 ? 500 : status), message } };
  },
};

function parsed(text: string): Line {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

const anthropicReasons: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  refusal: 'content_filter',
  tool_use: 'tool_calls',
};
const anthropicCodes: Readonly<Record<string, ErrorKind>> = {
  invalid_request_error: 'bad-request',
  authentication_error: 'unauthorized',
  permission_error: 'unauthorized',
  not_found_error: 'model-not-found',
  request_too_large: 'context-too-long',
  rate_limit_error: 'rate-limited',
  overloaded_error: 'overloaded',
};

/** `{"custom_id", "result": {"type": "succeeded", "message"}}`, or errored, canceled, expired. */
const anthropicShape: HostedShape = {
  isOf: (line) => typeof line['custom_id'] === 'string' && typeof recordAt(line, 'result')['type'] === 'string',
  read(line) {
    const result = recordAt(line, 'result');
    const id = textAt(line, 'custom_id');
    if (result['type'] === 'succeeded') return { id, outcome: { body: bodyOfMessage(recordAt(result, 'message')) } };
    if (result['type'] !== 'errored')
      return {
        id,
        outcome: { code: 'timeout', message: `the batch was ${String(result['type'])} before it was answered` },
      };
    const error = recordAt(recordAt(result, 'error'), 'error');
    const { type, message } = Object.keys(error).length > 0 ? error : recordAt(result, 'error');
    return { id, outcome: { code: anthropicCodes[String(type)] ?? 'server-error', message: String(message ?? type) } };
  },
};

function bodyOfMessage(message: Line): ResponseBody {
  const usage = recordAt(message, 'usage');
  const cached = countAt(usage, 'cache_read_input_tokens');
  const input = countAt(usage, 'input_tokens');
  const written = countAt(usage, 'cache_creation_input_tokens') ?? 0;
  const reason = textAt(message, 'stop_reason');
  return responseBody({
    id: textAt(message, 'id'),
    model: textAt(message, 'model'),
    chat: true,
    text: textOfParts(message['content']),
    finishReason: anthropicReasons[reason] ?? reason,
    promptTokens: input === undefined ? undefined : input + written + (cached ?? 0),
    completionTokens: countAt(usage, 'output_tokens'),
    ...(cached !== undefined && { cachedTokens: cached }),
  });
}

const textOfParts = (parts: unknown): string =>
  Array.isArray(parts)
    ? parts.map((part) => (isRecord(part) && part['thought'] !== true ? textAt(part, 'text') : '')).join('')
    : '';

const geminiReasons: Readonly<Record<string, string>> = { STOP: 'stop', MAX_TOKENS: 'length' };

/** `{"key", "response": GenerateContentResponse}`, or a status in `error`. */
const geminiShape: HostedShape = {
  isOf: (line) => typeof line['key'] === 'string' && ('response' in line || 'error' in line || 'status' in line),
  read(line) {
    const id = textAt(line, 'key');
    const response = recordAt(line, 'response');
    const [candidate] = Array.isArray(response['candidates']) ? (response['candidates'] as unknown[]) : [];
    if (isRecord(candidate)) return { id, outcome: { body: bodyOfCandidate(response, candidate) } };
    const blocked = textAt(recordAt(response, 'promptFeedback'), 'blockReason');
    if (blocked !== '')
      return { id, outcome: { code: 'refused', message: `the service refused the prompt: ${blocked}` } };
    const error = 'error' in line ? recordAt(line, 'error') : recordAt(line, 'status');
    const status = countAt(error, 'code') ?? 500;
    const message = textAt(error, 'message') || 'the service gives no reason';
    return {
      id,
      outcome: { code: status < 100 ? (grpcCodes[status] ?? 'server-error') : codeOfStatus(status), message },
    };
  },
};

/** Codes of google.rpc.Code. */
const grpcCodes: Readonly<Record<number, ErrorKind>> = {
  1: 'timeout',
  3: 'bad-request',
  4: 'timeout',
  5: 'model-not-found',
  7: 'unauthorized',
  8: 'rate-limited',
  14: 'overloaded',
  16: 'unauthorized',
};

function bodyOfCandidate(response: Line, candidate: Line): ResponseBody {
  const usage = recordAt(response, 'usageMetadata');
  const cached = countAt(usage, 'cachedContentTokenCount');
  const written = countAt(usage, 'candidatesTokenCount');
  const reason = textAt(candidate, 'finishReason');
  return responseBody({
    id: textAt(response, 'responseId'),
    model: textAt(response, 'modelVersion'),
    chat: true,
    text: textOfParts(recordAt(candidate, 'content')['parts']),
    finishReason: geminiReasons[reason] ?? 'content_filter',
    promptTokens: countAt(usage, 'promptTokenCount'),
    completionTokens: written === undefined ? undefined : written + (countAt(usage, 'thoughtsTokenCount') ?? 0),
    ...(cached !== undefined && { cachedTokens: cached }),
  });
}

export const hostedShapes: readonly HostedShape[] = [anthropicShape, geminiShape, openaiShape];
