import { Readable } from 'node:stream';
import { UsageError } from '../../core/errors.ts';
import { type ReadLine, isRejected } from '../../core/request.ts';
import { isRecord } from '../../data/is-record.ts';
import { endpointOfUrl } from '../../input/shapes/batch-url.ts';
import type { InputScan } from '../../input/scan-input.ts';
import { type InputRequest, openScan } from '../../run/read-input.ts';
import { shorten } from '../../text/format.ts';
import { printable } from '../../text/printable.ts';
import type { BatchError, BatchRecord } from '../store/batch-record.ts';
import { type BatchContext, batchInput } from './batch-input.ts';

export interface ValidateOptions extends BatchContext {
  /** A line that is no request of the batch fails alone, in place of the whole batch. */
  isLenient: boolean;
  signal: AbortSignal;
}

/** What an input was found to be. Without errors, `counts` has the number of its lines and `models` those that they name. */
export type ValidatedBatch = Pick<BatchRecord, 'errors' | 'models' | 'counts'>;

/** As many as anybody reads. */
const maxErrors = 100;

/**
 * Reads the input of a batch once, and says what is wrong with it. A line that is no line of a batch for this endpoint fails the
 * batch, as at OpenAI; one whose body no engine would take becomes a failed line of the run. Where no line is left to be run, the
 * batch fails by these. Rejects with the reason of the signal where it is aborted.
 */
export async function validateBatch(
  { id, endpoint }: Pick<BatchRecord, 'id' | 'endpoint'>,
  { isLenient, signal, ...context }: ValidateOptions,
): Promise<ValidatedBatch> {
  const request = batchInput(id, context);
  const errors: BatchError[] = [];
  const ofLines: BatchError[] = [];
  const look = (read: ReadLine): void => {
    const error = isLenient ? null : errorOf(read, endpoint);
    if (error !== null) errors.push(error);
    else if (isRejected(read) && ofLines.length < maxErrors)
      ofLines.push({ code: 'invalid_request', message: read.reason, param: null, line: read.line });
  };
  try {
    const scan = await scanAll(request, { look, isEnough: () => errors.length >= maxErrors, signal });
    if (scan.table.size === 0) return failed([{ ...ofFile, code: 'empty_file', message: 'the file has no request' }]);
    if (errors.length > 0) return failed(errors);
    if (scan.counts.requests === 0) return failed(ofLines);
    return { errors, models: [...scan.models], counts: { total: scan.table.size, completed: 0, failed: 0 } };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    // Where it lies on the server is nothing to the client.
    const message = error.message.replaceAll(printable(request.input), 'the file');
    return failed([{ ...ofFile, code: 'invalid_file', message }]);
  }
}

const ofFile = { param: 'input_file_id', line: null } as const;

const failed = (errors: BatchError[]): ValidatedBatch => ({
  errors: errors.slice(0, maxErrors),
  models: [],
  counts: { total: 0, completed: 0, failed: 0 },
});

interface ScanListener {
  look: (read: ReadLine) => void;
  /** Whether the rest need not be read. */
  isEnough: () => boolean;
  signal: AbortSignal;
}

/** Between two blocks of the file the server answers others. */
async function scanAll(request: InputRequest, { look, isEnough, signal }: ScanListener): Promise<InputScan> {
  const listeners = { onRequest: look, onRejected: look };
  const host = { stdin: Readable.from([]), stop: signal };
  const { input, scan } = await openScan(request, { host, previous: null, listeners });
  try {
    const rows = input.scanInto(scan);
    while ((await rows.next()).done !== true && !isEnough()) signal.throwIfAborted();
    return scan;
  } finally {
    await input.close();
  }
}

type Row = Readonly<Record<string, unknown>>;

interface LineCheck {
  code: string;
  param: string;
  /** What is wrong, as a sentence; null where nothing is. */
  problem: (row: Row, read: ReadLine, endpoint: string) => string | null;
}

/** What is asked of a line in this order, before its body is looked at. */
const checks: readonly LineCheck[] = [
  {
    code: 'missing_required_parameter',
    param: 'custom_id',
    problem: ({ custom_id: id }) =>
      typeof id === 'string' && id.trim() !== '' ? null : '"custom_id" is missing, or is not a text',
  },
  {
    code: 'duplicate_custom_id',
    param: 'custom_id',
    problem: (_row, read) => (isRejected(read) && read.isRepeated === true ? read.reason : null),
  },
  { code: 'invalid_method', param: 'method', problem: ({ method }) => methodProblem(method ?? 'POST') },
  {
    code: 'missing_required_parameter',
    param: 'body',
    problem: (row, read) => ('body' in row && isRecord(bodyOf(read)) ? null : '"body" is missing, or is not an object'),
  },
  { code: 'url_mismatch', param: 'url', problem: (row, read, endpoint) => urlProblem(row, read, endpoint) },
  {
    code: 'streaming_unsupported',
    param: 'body.stream',
    problem: (_row, read) =>
      isStream(bodyOf(read)) ? '"stream" is true, but the answers of a batch are written to a file' : null,
  },
];

/** Why a line is none of a batch for this endpoint; null where it is one, be its body as it may. */
function errorOf(read: ReadLine, endpoint: string): BatchError | null {
  const { row, line } = read;
  if (row === undefined)
    return { code: 'invalid_json_line', message: isRejected(read) ? read.reason : '', param: null, line };
  for (const { code, param, problem } of checks) {
    const message = problem(row, read, endpoint);
    if (message !== null) return { code, message, param, line };
  }
  return null;
}

/** The body as it is sent; of a line that never is, as it is written. */
const bodyOf = (read: ReadLine): unknown => (isRejected(read) ? read.row?.['body'] : read.body);

const isStream = (body: unknown): boolean => isRecord(body) && body['stream'] === true;

const methodProblem = (method: unknown): string | null =>
  typeof method === 'string' && method.toUpperCase() === 'POST' ? null : `"method" is ${shorten(method)}, not "POST"`;

/** An address may be written in any way that the runner understands, or not at all. */
function urlProblem({ url }: Row, read: ReadLine, endpoint: string): string | null {
  const named = isRejected(read) ? endpointOfUrl(url ?? endpoint) : read.endpoint;
  if (typeof named === 'object') return named.reason;
  return named === endpoint ? null : `the line is for ${named}, but the batch is for ${endpoint}`;
}
