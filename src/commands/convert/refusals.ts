import { open } from 'node:fs/promises';
import type { ErrorKind } from '../../core/errors.ts';
import { type FailureGroup, createFailureGroups } from '../../core/failures/failure-groups.ts';
import { type BatchRequest, type RejectedLine, placeOf } from '../../core/request.ts';
import { encodeResult } from '../../journal/encode-result.ts';
import { failureTexts } from '../../report/failures/failure-rows.ts';

/** Requests that a service can't be sent, as failed results in a file of their own, so that `merge` keeps them. */
export interface Refusals {
  add: (request: BatchRequest, reason: string) => Promise<void>;
  /** Adds a line that is no request. */
  addLine: (line: RejectedLine) => Promise<void>;
  count: () => number;
  reasons: () => FailureGroup[];
  texts: () => string[];
  close: () => Promise<void>;
}

export async function createRefusals(path: string, backend: string): Promise<Refusals> {
  const handle = await open(path, 'wx', 0o600);
  const groups = createFailureGroups();
  const byKind: Partial<Record<ErrorKind, number>> = {};
  const write = async (
    { id, line, rowJson }: Pick<RejectedLine, 'id' | 'line' | 'rowJson'>,
    model: string,
    error: { code: ErrorKind; message: string },
  ): Promise<void> => {
    byKind[error.code] = (byKind[error.code] ?? 0) + 1;
    groups.add(error.code, { id, message: error.message });
    const times = { started_at: new Date().toISOString(), queue_ms: null, ttft_ms: null, latency_ms: 0 };
    const llmbatch = { line, attempts: 0, request_hash: null, backend, model, ...times };
    const result = { id: `batch_req_convert_${line}`, custom_id: id, response: null, error, llmbatch };
    await handle.appendFile(encodeResult(result, rowJson).text);
  };
  return {
    add: (request, message) => write(request, request.body.model, { code: 'not-honoured', message }),
    addLine: (line) => write(line, '', { code: 'input', message: `${placeOf(line)}: ${line.reason}` }),
    count: () => Object.values(byKind).reduce((sum, count) => sum + count, 0),
    reasons: groups.read,
    texts: () => failureTexts({ byKind, byGroup: {}, failures: groups.read() }),
    close: () => handle.close(),
  };
}
