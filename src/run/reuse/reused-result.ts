import type { BatchRequest } from '../../core/request.ts';
import { type ResultDetails, type ResultLine, isSuccess } from '../../core/result-line.ts';

/**
 * The result of a request that is not sent, made of that of an identical one: the same answer or failure, and
 * `llmbatch.reused`. Its times and attempts are 0, because it took none.
 */
export function reusedResult(from: ResultLine, { id: custom_id, line }: BatchRequest, runId: string): ResultLine {
  const id = `batch_req_${runId}_${line}`;
  const { backend, model, request_hash, empty, unwrapped, unchecked, finish, parsed, rejected } = from.llmbatch;
  const answer = { empty, unwrapped, unchecked, finish, parsed, rejected };
  const llmbatch: ResultDetails = {
    line,
    attempts: 0,
    request_hash: request_hash ?? null,
    backend,
    model,
    reused: from.llmbatch.reused ?? { run_id: runIdOf(from), id: from.custom_id },
    started_at: new Date().toISOString(),
    queue_ms: null,
    ttft_ms: null,
    latency_ms: 0,
    ...Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== undefined)),
  };
  const response = from.response && { ...from.response, ...(isSuccess(from) && { request_id: id }) };
  return { id, custom_id, response, error: from.error ?? null, llmbatch };
}

/** The run that a result is of, which its id names: `batch_req_<run>_<line>`. */
const runIdOf = ({ id }: ResultLine): string => /^batch_req_([\w-]*)_\d+$/.exec(id)?.[1] ?? '';
