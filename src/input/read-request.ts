import { isUtf8 } from 'node:buffer';
import { messageOf } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { RawLine } from '../core/read-lines.ts';
import { type BatchRequest, type ReadLine, type RejectedLine, isSystem } from '../core/request.ts';
import { checkBody } from './check-body.ts';
import { type Draft, type Row, kindOf, toDraft } from './line-formats.ts';
import type { PromptTemplate } from './prompt-template.ts';

/** What the flags of a run add to each line. */
export interface LineDefaults {
  /** Replaces the line's model. */
  model: string | null;
  system: string | null;
  template: PromptTemplate | null;
  /** Sampling keys for lines without their own; `response_format` where `--schema` is given. */
  parameters: Record<string, unknown>;
}

/** A spooled row that its own format could not read: this byte, then the reason (see `spool-csv.ts`). */
export const badRowMark = '\u0001';

/** JSON.stringify and the engines recurse: deeper input would end the run instead of the line. */
const deepestNesting = 200;

/** Turns one line into a request, or says why it can't. `id` of a rejected line is the best that could be read. */
export function readRequest(raw: Pick<RawLine, 'bytes' | 'tooLong'>, line: number, defaults: LineDefaults): ReadLine {
  const row = parseRow(raw, line);
  if (typeof row === 'string') return reject(`line-${line}`, line, row);
  const id = idOf(row, line);
  if (id === null) return reject(`line-${line}`, line, 'the id is not a text or a number');
  const draft = toDraft(row, defaults.template);
  if (typeof draft === 'string') return reject(id, line, draft);
  const request = { id, line, endpoint: draft.endpoint, body: fillIn(draft, defaults), ...restOf(row, draft) };
  const reason = checkBody(draft.endpoint, request.body);
  return reason === null ? (request as BatchRequest) : reject(id, line, reason);
}

const reject = (id: string, line: number, reason: string): RejectedLine => ({ id, line, reason });

/** The row, or why there is none. */
function parseRow({ bytes, tooLong }: Pick<RawLine, 'bytes' | 'tooLong'>, line: number): Row | string {
  if (tooLong) return 'longer than 64 MB';
  if (!isUtf8(bytes)) return 'not valid UTF-8';
  const text = textOfLine(bytes, line);
  if (text.startsWith(badRowMark)) return text.slice(badRowMark.length);
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? (checkRow(value, text) ?? value) : `not a JSON object but ${kindOf(value)}`;
  } catch (error) {
    return `not JSON: ${messageOf(error)}`;
  }
}

function textOfLine(bytes: Buffer, line: number): string {
  const text = bytes.toString('utf8');
  return line === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Valid JSON that no engine could be given unchanged. */
function checkRow(row: Row, text: string): string | null {
  if (text.length > deepestNesting * 2 && isDeeperThan(row, deepestNesting)) {
    return `nested more than ${deepestNesting} levels deep`;
  }
  // A lone surrogate has no UTF-8: the engine would get another text than the one asked for.
  const mayHoldSurrogates = text.includes(String.raw`\ud`) || text.includes(String.raw`\uD`);
  return mayHoldSurrogates && hasLoneSurrogate(row)
    ? String.raw`a text holds a lone surrogate (\ud800 to \udfff)`
    : null;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => hasLoneSurrogate(key) || hasLoneSurrogate(inner));
}

function idOf(row: Row, line: number): string | null {
  const id = row['custom_id'] ?? row['id'] ?? `line-${line}`;
  if (typeof id === 'number') return String(id);
  return typeof id === 'string' && id !== '' ? id : null;
}

function fillIn({ body, takesSystem }: Draft, { model, system, parameters }: LineDefaults): Draft['body'] {
  const filled: Draft['body'] = { ...body };
  if (model !== null) filled.model = model;
  for (const [key, value] of Object.entries(parameters)) {
    if (!hasOwnValue(filled, key)) filled[key] = value;
  }
  const { messages } = filled;
  if (takesSystem && system !== null && Array.isArray(messages) && !messages.some(isSystemMessage)) {
    filled.messages = [{ role: 'system', content: system }, ...messages];
  }
  return filled;
}

function hasOwnValue(body: Draft['body'], key: string): boolean {
  const isSet = (name: string): boolean => body[name] !== undefined && body[name] !== null;
  return isSet(key) || (key === 'max_tokens' && isSet('max_completion_tokens'));
}

const isSystemMessage = (message: unknown): boolean => isRecord(message) && isSystem(message as never);

function restOf(row: Row, { used }: Draft): { row?: Row } {
  const rest = Object.entries(row).filter(([key]) => !used.has(key));
  return rest.length === 0 ? {} : { row: Object.fromEntries(rest) };
}
