import { isAscii, isUtf8 } from 'node:buffer';
import { LlmbatchError, describeUnexpected, messageOf } from '../core/errors.ts';
import { inStandardShape } from '../core/answer-format.ts';
import { isNeutral, requestKeys } from '../core/request-keys/request-keys.ts';
import { isRecord } from '../data/is-record.ts';
import { deepestNesting, isDeeperThan } from '../data/nesting.ts';
import type { RawLine } from '../files/read-lines.ts';
import { type BatchRequest, type ReadLine, type RequestBody, isSystem } from '../core/request.ts';
import { checkBody } from './check-body.ts';
import { describeJsonError } from './describe-json-error.ts';
import { hasLoneSurrogate, kindOf } from './check-text.ts';
import { type Draft, type Row, lineFormatOf, templateFormat } from './line-formats.ts';
import type { PromptTemplate } from './template/prompt-template.ts';
import { rowJsonOf } from './row-json.ts';

/** Values that the flags of a run add to each line. */
export interface LineDefaults {
  /** Replaces the line's model. */
  model: string | null;
  system: string | null;
  template: PromptTemplate | null;
  /** Sampling keys for lines without their own; `response_format` where `--schema` is given. */
  parameters: Record<string, unknown>;
}

/** A spooled row that its own format could not read: this byte, then the reason (see `csv-rows.ts`). */
export const badRowMark = '\u0001';
/** Also of a row of a table. */
export const notUtf8 = 'not valid UTF-8';
export const badQuote = 'a quote that is never closed, or not doubled inside its cell';
/** Any line of JSONL may begin with that byte: what follows is believed where it is a reason of ours. */
const badRow = new RegExp(`^${badRowMark}(${badQuote}|not valid UTF-8|\\d+ columns, where the header has \\d+)$`);

export interface GivenLine extends Pick<RawLine, 'bytes' | 'tooLong'> {
  /** It was read before, became a request, and is the same still: what was checked of it then holds. */
  isAccepted?: boolean;
}

/**
 * Turns one line into a request, or says why it can't. The `id` of a rejected line is the best that could be read.
 * Anything thrown on the way rejects this line alone: it must not end the run, nor each resume.
 */
export function readRequest(raw: GivenLine, line: number, defaults: LineDefaults): ReadLine {
  try {
    return readChecked(raw, line, defaults);
  } catch (error) {
    if (error instanceof LlmbatchError) throw error;
    return { id: `line-${line}`, line, reason: describeUnexpected(error) };
  }
}

function readChecked(raw: GivenLine, line: number, defaults: LineDefaults): ReadLine {
  const parsed = parseRow(raw, line);
  if (typeof parsed === 'string') return { id: `line-${line}`, line, reason: parsed };
  const { row } = parsed;
  const format = lineFormatOf(row, defaults.template);
  defaults.template?.check(row, format === templateFormat);
  const kept = keptOf(parsed, format.used(row));
  const id = idOf(row, line);
  if (id === null)
    return { id: `line-${line}`, line, reason: 'the id is not a text, nor a number below 2^53', ...kept };
  const draft = format.toDraft(row, defaults.template, parsed.text);
  if (typeof draft === 'string') return { id, line, reason: draft, ...kept };
  fillIn(draft, defaults);
  const reason = raw.isAccepted === true ? null : checkBody(draft.endpoint, draft.body);
  if (reason !== null) return { id, line, reason, ...kept };
  return { id, line, endpoint: draft.endpoint, body: draft.body as RequestBody, ...kept };
}

/** The part of the row that stays with its result. */
const keptOf = ({ row, text }: ParsedRow, used: ReadonlySet<string>): Pick<BatchRequest, 'rowJson'> =>
  Object.keys(row).every((name) => used.has(name)) ? {} : { rowJson: rowJsonOf(text, used) };

interface ParsedRow {
  row: Row;
  /** The JSON that it is written in. */
  text: string;
}

/** Parses a line into a row; a string says why it is none. */
function parseRow({ bytes, tooLong, isAccepted = false }: GivenLine, line: number): ParsedRow | string {
  if (tooLong) return 'longer than 64 MB';
  const text = textOfLine(bytes, line);
  if (text === null) return notUtf8;
  if (text.startsWith(badRowMark) && badRow.test(text)) return text.slice(badRowMark.length);
  const row = isAccepted ? (JSON.parse(text) as Row) : parseObject(text);
  return typeof row === 'string' ? row : { row, text };
}

function parseObject(text: string): Row | string {
  if (isDeeperThan(text, deepestNesting)) return `nested more than ${deepestNesting} levels deep`;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? (checkRow(value, text) ?? value) : `not a JSON object but ${kindOf(value)}`;
  } catch (error) {
    return `not JSON: ${describeJsonError(text, messageOf(error))}`;
  }
}

/** Decodes a line; null where it is not UTF-8. Most lines are ASCII, which is decoded fastest. */
function textOfLine(bytes: Buffer, line: number): string | null {
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (!isUtf8(bytes)) return null;
  const text = bytes.toString('utf8');
  return line === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text;
}

const surrogateEscapes = [String.raw`\ud`, String.raw`\uD`];

/** Valid JSON that no engine could be given unchanged. */
function checkRow(row: Row, text: string): string | null {
  // A lone surrogate has no UTF-8: the engine would get another text than the one asked for.
  const mayHoldSurrogates = text.includes('\\') && surrogateEscapes.some((escape) => text.includes(escape));
  return mayHoldSurrogates && hasLoneSurrogate(row)
    ? String.raw`a text holds a lone surrogate (\ud800 to \udfff)`
    : null;
}

function idOf(row: Row, line: number): string | null {
  const id = row['custom_id'] ?? row['id'] ?? `line-${line}`;
  // JSON.parse rounds a larger one: it would name another record.
  if (typeof id === 'number') return Math.abs(id) <= Number.MAX_SAFE_INTEGER ? String(id) : null;
  return typeof id === 'string' && id !== '' ? id : null;
}

/** Fills the gaps of a body with the defaults, in place: the body was parsed for this line alone. */
function fillIn({ body, takesSystem }: Draft, { model, system, parameters }: LineDefaults): void {
  dropForeign(body);
  if (model !== null) body.model = model;
  for (const key in parameters) {
    if (!hasOwnValue(body, key)) body[key] = parameters[key];
  }
  // That of a flag is in it already, and is the same object for each line.
  const { response_format: format } = body;
  if (format !== undefined && format !== parameters['response_format'])
    body['response_format'] = inStandardShape(format);
  const { messages } = body;
  if (takesSystem && system !== null && Array.isArray(messages) && !messages.some(isSystemMessage)) {
    body.messages = [{ role: 'system', content: system }, ...messages];
  }
}

/** Keys that no engine has are gone where they ask for nothing. Those that ask for something are refused by name. */
function dropForeign(body: Draft['body']): void {
  for (const key in body) {
    if (requestKeys.get(key)?.isForeign === true && isNeutral(key, body[key])) delete body[key];
  }
}

function hasOwnValue(body: Draft['body'], key: string): boolean {
  const isSet = (name: string): boolean => body[name] !== undefined && body[name] !== null;
  return isSet(key) || (key === 'max_tokens' && isSet('max_completion_tokens'));
}

const isSystemMessage = (message: unknown): boolean => isRecord(message) && isSystem(message as never);
