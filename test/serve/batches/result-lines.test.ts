import { expect, test } from 'vitest';
import { type ErrorKind, allErrorKinds, isErrorKind, stopsTheRun } from '../../../src/core/errors.ts';
import type { ResultLine } from '../../../src/core/result-line.ts';
import { failureLine, unreachedLine } from '../../../src/serve/batches/result-lines.ts';

const failed = (code: ErrorKind): ResultLine =>
  ({ id: 'batch_req_r_1', custom_id: 'a', response: null, error: { code, message: 'why' }, llmbatch: {} }) as never;

const expected: Partial<Record<ErrorKind, [status: number, type: string, code: string]>> = {
  'rate-limited': [429, 'rate_limit_error', 'rate_limit_exceeded'],
  overloaded: [503, 'server_error', 'overloaded'],
  connection: [500, 'server_error', 'connection'],
  'server-error': [500, 'server_error', 'server_error'],
  'engine-crashed': [500, 'server_error', 'engine_crashed'],
  'out-of-memory': [500, 'server_error', 'out_of_memory'],
  'invalid-response': [500, 'server_error', 'invalid_response'],
  'bad-request': [400, 'invalid_request_error', 'invalid_request'],
  'context-too-long': [400, 'invalid_request_error', 'context_length_exceeded'],
  'control-token': [400, 'invalid_request_error', 'control_token'],
  input: [400, 'invalid_request_error', 'invalid_request'],
  truncated: [400, 'invalid_answer_error', 'truncated'],
  repetition: [400, 'invalid_answer_error', 'repetition'],
  refused: [400, 'invalid_answer_error', 'refused'],
  'schema-invalid': [400, 'invalid_answer_error', 'schema_invalid'],
  empty: [400, 'invalid_answer_error', 'empty'],
  'not-honoured': [400, 'invalid_answer_error', 'not_honoured'],
};

test('each kind of failure that a result can have is an answer of HTTP, but for a timeout', () => {
  for (const [kind, [status, type, code]] of Object.entries(expected)) {
    if (!isErrorKind(kind)) throw new Error(kind);
    expect(failureLine(failed(kind))).toEqual({
      id: 'batch_req_r_1',
      custom_id: 'a',
      response: {
        status_code: status,
        request_id: 'batch_req_r_1',
        body: { error: { message: 'why', type, param: null, code } },
      },
      error: null,
    });
  }
  expect(failureLine(failed('timeout'))).toMatchObject({
    response: null,
    error: { code: 'request_timeout', message: 'why' },
  });
  const mapped = new Set([...Object.keys(expected), 'timeout']);
  expect(allErrorKinds.filter((kind) => !stopsTheRun(kind) && !mapped.has(kind))).toEqual([]);
});

test('a request that was not reached has an error and no answer', () => {
  expect(unreachedLine('a', 'batch_req_1', 'batch_expired')).toEqual({
    id: 'batch_req_1',
    custom_id: 'a',
    response: null,
    error: {
      code: 'batch_expired',
      message: 'This request could not be executed before the completion window expired.',
    },
  });
  expect(unreachedLine('a', 'b', 'batch_cancelled').error?.code).toBe('batch_cancelled');
});
