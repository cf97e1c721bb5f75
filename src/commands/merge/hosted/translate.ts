import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ResponseBody, choiceText } from '../../../core/completion.ts';
import type { ResultDetails, ResultLine } from '../../../core/result-line.ts';
import { isRecord } from '../../../data/is-record.ts';
import { readResultLines } from '../../../files/read-result-lines.ts';
import { encodeResult } from '../../../journal/encode-result.ts';
import { openOutputForReading } from '../../../journal/read-best-results.ts';
import { type HostedMap, type SentRequest, openHostedMap } from './hosted-map.ts';
import { type HostedShape, hostedShapes } from './hosted-shapes.ts';

/** Results of a hosted service as lines of ours. */
export interface TranslatedResults {
  path: string;
  /** The input that they answer. */
  input: { path: string; sha256: string };
  /** Lines that are no results, or answer no request of the map. */
  leftOut: number;
}

/**
 * Turns results that a hosted service gave for files of `convert` into result lines, in a new file. A file of ours
 * stays as it is. Null where no map lies beside it.
 */
export async function translateHosted(path: string, to: string): Promise<TranslatedResults | null> {
  const map = await openHostedMap(join(dirname(path), 'map.jsonl'));
  if (map === null) return null;
  const source = await openOutputForReading(path);
  const target = await open(to, 'wx', 0o600);
  try {
    const leftOut = await translateLines(source, target, map);
    return { path: leftOut === null ? path : to, input: inputOf(map), leftOut: leftOut ?? 0 };
  } finally {
    await Promise.all([map.close(), source.close(), target.close()]);
  }
}

/** Returns how many lines were left out; null where the lines are of ours, such as those of `refused.jsonl`. */
async function translateLines(source: FileHandle, target: FileHandle, map: HostedMap): Promise<number | null> {
  let shape: HostedShape | undefined;
  let leftOut = 0;
  for await (const lines of readResultLines(source)) {
    for (const { bytes } of lines.filter(({ length }) => length > 0)) {
      const line = parsed(bytes) ?? {};
      if (shape === undefined && 'llmbatch' in line) return null;
      shape ??= hostedShapes.find(({ isOf }) => isOf(line));
      const text = shape === undefined ? null : await textOf(shape, line, map);
      if (text === null) leftOut++;
      else await target.appendFile(text);
    }
  }
  return leftOut;
}

const inputOf = ({ input: path, sha256 }: HostedMap): TranslatedResults['input'] => ({ path, sha256 });

async function textOf(shape: HostedShape, line: Record<string, unknown>, map: HostedMap): Promise<string | null> {
  const result = shape.isOf(line) ? shape.read(line) : null;
  const sent = result && (await map.find(result.id));
  if (result === null || sent === null) return null;
  const { outcome } = result;
  const made = 'body' in outcome ? answered(outcome.body, sent, map.to) : failed(outcome, sent, map.to);
  return encodeResult(made, sent.rowJson).text;
}

/** A cut or refused answer, or one that is no JSON where that was asked for, is no success here either. */
function answered(body: ResponseBody, sent: SentRequest, to: string): ResultLine {
  const [choice] = body.choices ?? [];
  const content = choiceText(choice);
  const reason = choice?.finish_reason ?? 'stop';
  const rejected = { rejected: { content, finish_reason: reason } };
  const usage = body.usage === undefined ? {} : { usage: body.usage };
  const reject = (code: 'truncated' | 'refused' | 'schema-invalid', message: string): ResultLine =>
    failed({ code, message }, sent, to, { ...usage, ...rejected, model: body.model });
  if (reason === 'length') return reject('truncated', 'the answer was cut: raise max_tokens');
  if (reason === 'content_filter') return reject('refused', 'the service refused to answer');
  const json = sent.json === true ? parsed(Buffer.from(content), true) : undefined;
  if (json === null) return reject('schema-invalid', 'the answer is not JSON');
  const id = idOf(sent);
  const details = { ...detailsOf(sent, to), model: body.model, ...(json !== undefined && { parsed: json }) };
  return {
    id,
    custom_id: sent.id,
    response: { status_code: 200, request_id: id, body },
    error: null,
    llmbatch: details,
  };
}

const failed = (
  error: NonNullable<ResultLine['error']>,
  sent: SentRequest,
  to: string,
  more: Partial<ResultDetails> = {},
): ResultLine => ({
  id: idOf(sent),
  custom_id: sent.id,
  response: null,
  error: { code: error.code, message: error.message },
  llmbatch: { ...detailsOf(sent, to), ...more },
});

const idOf = ({ line }: SentRequest): string => `batch_req_hosted_${line}`;

/** Times are not known: the service tells none. */
const detailsOf = ({ line }: SentRequest, to: string): ResultDetails => ({
  line,
  attempts: 1,
  request_hash: null,
  backend: to,
  model: '',
  started_at: new Date().toISOString(),
  queue_ms: null,
  ttft_ms: null,
  latency_ms: 0,
});

function parsed(bytes: Buffer): Record<string, unknown> | null;
function parsed(bytes: Buffer, any: true): unknown;
function parsed(bytes: Buffer, any = false): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return any || isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
