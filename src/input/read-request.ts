import { isAscii, isUtf8 } from 'node:buffer';
import { LlmbatchError, describeUnexpected, messageOf } from '../core/errors.ts';
import { inStandardShape } from '../core/answer-format.ts';
import { isNeutral, requestKeys } from '../core/request-keys/request-keys.ts';
import { saysHowToThink } from '../core/thinking.ts';
import { isRecord } from '../data/is-record.ts';
import { deepestNesting, isDeeperThan } from '../data/nesting.ts';
import type { RawLine } from '../files/read-lines.ts';
import { type BatchRequest, type ReadLine, type RequestBody, isSystem } from '../core/request.ts';
import { notUtf8, readBadRow } from './bad-row.ts';
import { checkBody } from './check-body.ts';
import { readCells } from './csv/read-cells.ts';
import { describeJsonError } from './describe-json-error.ts';
import { hasLoneSurrogate, kindOf } from './check-text.ts';
import { type Draft, type LineFormat, type Row, lineFormatOf, templateFormat } from './line-formats.ts';
import { idOf } from './row-id.ts';
import { rowJsonOf } from './row-json.ts';
import type { InputForm } from './source/look.ts';
import type { PromptTemplate } from './template/prompt-template.ts';

/** Values that the flags of a run add to each line. */
export interface LineDefaults {
  /** Replaces the line's model. */
  model: string | null;
  system: string | null;
  template: PromptTemplate | null;
  /** Sampling keys for lines without their own; `response_format` where `--schema` is given. */
  parameters: Record<string, unknown>;
  /** The field that holds a row's id; null: `custom_id`, else `id`. */
  idField: string | null;
}

/** How lines are read: by the flags, and by the form of the file that they are of. */
export interface LineReading extends LineDefaults {
  form: InputForm;
}

export const isTable = (form: InputForm): boolean => form === 'csv' || form === 'tsv';

export interface GivenLine extends Pick<RawLine, 'bytes' | 'tooLong'> {
  /** It was read before, became a request, and is the same still: what was checked of it then holds. */
  isAccepted?: boolean;
  /** It is only looked at, and will be read again: it gets its row as it was parsed, and no text of it is made. */
  isScanned?: boolean;
}

/**
 * Turns one line into a request, or says why it can't. The `id` of a rejected line is the best that could be read.
 * Anything thrown on the way rejects this line alone: it must not end the run, nor each resume.
 */
export function readRequest(raw: GivenLine, line: number, reading: LineReading): ReadLine {
  try {
    return readChecked(raw, line, reading);
  } catch (error) {
    if (error instanceof LlmbatchError) throw error;
    return { id: `line-${line}`, line, reason: describeUnexpected(error) };
  }
}

function readChecked(raw: GivenLine, line: number, reading: LineReading): ReadLine {
  const parsed = parseRow(raw, line, reading.form);
  if (typeof parsed === 'string') return { id: `line-${line}`, line, reason: parsed };
  const { text } = parsed;
  const row = fieldsOf(parsed.row, reading);
  const format = lineFormatOf(row, reading.template);
  const kept = keptOf(parsed, { row, format, isScanned: raw.isScanned });
  const found = idOf(row, { text, line, idField: reading.idField, isOfTable: isTable(reading.form) });
  const id = 'id' in found ? found.id : `line-${line}`;
  if (parsed.problem !== undefined) return { id, line, reason: parsed.problem, ...kept };
  reading.template?.check(row, format === templateFormat);
  if ('reason' in found) return { id, line, reason: found.reason, ...kept };
  const draft = format.toDraft(row, reading.template, text);
  if (typeof draft === 'string') return { id, line, reason: draft, ...kept };
  fillIn(draft, reading);
  const reason = raw.isAccepted === true ? null : checkBody(draft.endpoint, draft.body);
  if (reason !== null) return { id, line, reason, ...kept };
  return { id, line, endpoint: draft.endpoint, body: draft.body as RequestBody, ...kept };
}

/** Columns of a table are keys of a request; beside a template only those that it leaves to it. */
const fieldsOf = (row: Row, { form, template }: LineReading): Row =>
  isTable(form) ? readCells(row, template?.settingsIn(row)) : row;

/** The part of the row that stays with its result; of one that is only looked at all of it, where it could be read whole. */
function keptOf(
  { text, problem }: ParsedRow,
  { row, format: { uses }, isScanned = false }: { row: Row; format: LineFormat; isScanned: boolean | undefined },
): Pick<BatchRequest, 'rowJson' | 'row'> {
  if (isScanned) return problem === undefined ? { row } : {};
  const isUsed = uses && ((name: string): boolean => uses(name, row[name]));
  return isUsed !== null && Object.keys(row).every(isUsed) ? {} : { rowJson: rowJsonOf(text, isUsed) };
}

interface ParsedRow {
  row: Row;
  /** The JSON that it is written in. */
  text: string;
  /** Why it can't become a request, though its id could be read. */
  problem?: string;
}

/** Parses a line into a row; a string says why it is none. */
function parseRow(
  { bytes, tooLong, isAccepted = false }: GivenLine,
  line: number,
  form: InputForm,
): ParsedRow | string {
  if (tooLong) return 'longer than 64 MB';
  const text = textOfLine(bytes, line);
  if (text === null) return readableOf(bytes);
  const bad = form === 'jsonl' ? null : readBadRow(text);
  if (bad !== null) return bad.row === undefined ? bad.reason : { ...asParsed(bad.row), problem: bad.reason };
  const row = isAccepted ? (JSON.parse(text) as Row) : parseObject(text);
  return typeof row === 'string' ? row : { row, text };
}

const asParsed = (row: Row): ParsedRow => ({ row, text: JSON.stringify(row) });

const isAsciiText = (value: unknown): boolean => typeof value === 'string' && isAscii(Buffer.from(value));

/** Of a row that is not UTF-8, the fields that hold texts of ASCII, its id among them. */
function readableOf(bytes: Buffer): ParsedRow | string {
  const row = parseObject(bytes.toString('latin1'));
  if (typeof row === 'string') return notUtf8;
  const readable = Object.entries(row).filter(([name, value]) => isAsciiText(name) && isAsciiText(value));
  return { ...asParsed(Object.fromEntries(readable)), problem: notUtf8 };
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
    ? String.raw`a text contains a lone surrogate (\ud800 to \udfff)`
    : null;
}

/** Fills the gaps of a body with the defaults, in place: the body was parsed for this line alone. */
function fillIn({ body, endpoint, takesSystem }: Draft, { model, system, parameters }: LineDefaults): void {
  dropForeign(body);
  if (model !== null) body.model = model;
  if (endpoint !== '/v1/embeddings') fillGaps(body, parameters);
  else fillGaps(body, ofEmbeddings(parameters));
  // That of a flag is in it already, and is the same object for each line.
  const { response_format: format } = body;
  if (format !== undefined && format !== parameters['response_format'])
    body['response_format'] = inStandardShape(format);
  const { messages } = body;
  if (takesSystem && system !== null && Array.isArray(messages) && !messages.some(isSystemMessage)) {
    body.messages = [{ role: 'system', content: system }, ...messages];
  }
}

/** No text is generated for an embedding. That a form is asked for is left, for the engine to refuse by name. */
const ofEmbeddings = (parameters: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(parameters).filter(([key]) => key === 'response_format' || key === 'model'));

function fillGaps(body: Draft['body'], parameters: Record<string, unknown>): void {
  for (const key in parameters) {
    if (!hasOwnValue(body, key)) body[key] = parameters[key];
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
  if (key === 'think') return saysHowToThink(body);
  return isSet(key) || (key === 'max_tokens' && isSet('max_completion_tokens'));
}

const isSystemMessage = (message: unknown): boolean => isRecord(message) && isSystem(message as never);
