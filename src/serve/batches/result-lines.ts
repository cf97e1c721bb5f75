import { type ErrorKind, groupOf, isErrorKind, isTransient } from '../../core/errors.ts';
import type { ResultLine } from '../../core/result-line.ts';

/** A line of an output or error file, key by key as OpenAI writes it. */
export interface FileLine {
  id: string;
  custom_id: string;
  response: { status_code: number; request_id: string; body: unknown } | null;
  error: { code: string; message: string } | null;
}

/** The line of an answer: `finish_reason` in its body says whether it was cut. What only our journal knows stays there. */
export const successLine = ({ id, custom_id, response }: ResultLine): FileLine => ({
  id,
  custom_id,
  response,
  error: null,
});

/**
 * The line of a failure. It has an answer of HTTP, as programs that read `response.status_code` of each line expect, for we are the
 * server that answers: 400 where the request would fail again, else one that says that another try may help. Only a timeout is, as
 * at OpenAI, an error without an answer.
 */
export function failureLine({ id, custom_id, error }: ResultLine): FileLine {
  const code = error?.code ?? '';
  const kind = isErrorKind(code) ? code : 'server-error';
  const message = error?.message ?? '';
  if (kind === 'timeout') return { id, custom_id, response: null, error: { code: 'request_timeout', message } };
  const body = { error: { message, type: typeOf(kind), param: null, code: codes[kind] ?? kind.replaceAll('-', '_') } };
  return { id, custom_id, response: { status_code: statusOf(kind), request_id: id, body }, error: null };
}

/** Why requests have no result. */
export type Unreached = 'batch_cancelled' | 'batch_expired';

const reasons: Record<Unreached, string> = {
  batch_cancelled: 'This request was not executed, because its batch was cancelled.',
  batch_expired: 'This request could not be executed before the completion window expired.',
};

/** The line of a request that was never answered. `batchId` and its line make its id. */
export const unreachedLine = (custom_id: string, id: string, code: Unreached): FileLine => ({
  id,
  custom_id,
  response: null,
  error: { code, message: reasons[code] },
});

/** Codes that programs compare, where OpenAI has one of its own. */
const codes: Partial<Record<ErrorKind, string>> = {
  'context-too-long': 'context_length_exceeded',
  'bad-request': 'invalid_request',
  input: 'invalid_request',
  'rate-limited': 'rate_limit_exceeded',
};

function statusOf(kind: ErrorKind): number {
  if (kind === 'rate-limited') return 429;
  if (kind === 'overloaded') return 503;
  return isTransient(kind) ? 500 : 400;
}

/** Where the request was well, and the model's answer was not, the type is our own: OpenAI has none for it. */
function typeOf(kind: ErrorKind): string {
  if (isTransient(kind)) return kind === 'rate-limited' ? 'rate_limit_error' : 'server_error';
  const isOfAnswer = groupOf(kind) === 'model' && kind !== 'context-too-long';
  return isOfAnswer || kind === 'not-honoured' ? 'invalid_answer_error' : 'invalid_request_error';
}
