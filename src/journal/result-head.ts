import type { Spent } from '../core/attempt-tokens.ts';
import type { ErrorKind } from '../core/errors.ts';
import type { AnswerNote } from '../core/events.ts';
import type { FailureWords } from '../core/failures/failure-groups.ts';
import { parseResultLine } from '../core/result-line.ts';
import { sampleOf } from '../core/result-counter.ts';

/** The part of a result line that a resume must know. */
export interface ResultHead {
  id: string;
  /** Number of the line in the input; 0 where the result does not have it. */
  line: number;
  /** Kind of the failure; null for a success. */
  kind: ErrorKind | null;
  /** Id and message of a failure; absent for a success. */
  failure?: FailureWords;
  /** Tokens of the last attempt, each null where they were not counted. */
  promptTokens: number | null;
  completionTokens: number | null;
  cachedTokens: number | null;
  /** Cost of the attempts before the last one; absent where there were none. */
  retried?: Spent;
  /** As of the sample; absent where the request was sent. */
  isReused?: true;
  /** What users are told of a success; absent where there is nothing to tell. */
  note?: AnswerNote;
}

const idPattern = /\{"id":"batch_req_[\w-]*_(\d+)","custom_id":"/y;
const successMark = ',"response":{"status_code":200,"request_id":"';
/** A brace is rarer than a quote in what is searched, so that a mark which begins with one is found sooner. */
const errorMark = '},"error":';
/** Marks a success that was sent once and has no note. Any other line has more to tell, and is parsed. */
const noErrorPattern = /\},"error":null,"llmbatch":\{"line":\d+,"attempts":1,/y;
const usageMark = ',"usage":{"prompt_tokens":';
const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;
const usagePattern =
  /,"usage":\{"prompt_tokens":(\d+),"completion_tokens":(\d+),"total_tokens":\d+(?:,"prompt_tokens_details":\{"cached_tokens":(\d+)\})?\}/y;

/**
 * Reads the head of a result line; null where it is not one. A success that llmbatch wrote itself is known by the order
 * of its keys and read without parsing the answer (5 times faster); any other line is parsed. So is one whose answer or
 * row holds keys of the same names, for then a mark alone can't tell whose they are.
 */
export function readResultHead(bytes: Buffer): ResultHead | null {
  // A byte a character: the quickest way to look for marks, which are ASCII.
  return readOwnSuccess(bytes.toString('latin1')) ?? readAnyLine(bytes);
}

function readOwnSuccess(text: string): ResultHead | null {
  idPattern.lastIndex = 0;
  const start = idPattern.exec(text);
  if (start === null || !text.endsWith('}}')) return null;
  const end = text.indexOf('"', idPattern.lastIndex);
  const id = text.slice(idPattern.lastIndex, end);
  // An escape, or a byte above ASCII: the id must be decoded.
  if (!plainText.test(id) || !text.startsWith(successMark, end + 1)) return null;
  const tokens = readUsage(text, end);
  return tokens === null ? null : { id, line: Number(start[1]), kind: null, ...tokens };
}

function readUsage(text: string, from: number): Omit<ResultHead, 'id' | 'line' | 'kind'> | null {
  // No text of an answer or a row can hold these marks, for its quotes are escaped, but their keys can. The only
  // "error" of the line that comes behind an object is the result's own, which comes behind the response.
  const errorAt = text.indexOf(errorMark, from);
  const isOnlyOne = errorAt !== -1 && !text.includes(errorMark, errorAt + 1);
  noErrorPattern.lastIndex = errorAt;
  if (!isOnlyOne || !noErrorPattern.test(text)) return null;
  const usageAt = text.indexOf(usageMark, from);
  if (usageAt === -1 || usageAt > errorAt) return null;
  usagePattern.lastIndex = usageAt;
  const usage = usagePattern.exec(text);
  if (usage === null || !closesTwo(text.slice(usagePattern.lastIndex, errorAt + 1))) return null;
  // A hole that a power cut left in the file reads as NULs.
  if (text.includes('\0')) return null;
  return {
    promptTokens: Number(usage[1]),
    completionTokens: Number(usage[2]),
    cachedTokens: usage[3] === undefined ? null : Number(usage[3]),
  };
}

/** More bytes than servers write behind their usage. */
const maxGapBytes = 1000;

/**
 * Whether the text between the usage and the error closes the body and the response, and no more: then the usage is the
 * body's own.
 */
function closesTwo(between: string): boolean {
  if (between === '}}') return true;
  if (between.length > maxGapBytes) return false;
  let depth = 0;
  for (const character of between.replaceAll(/"(?:[^"\\]|\\.)*"/g, '')) {
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
  }
  return depth === -2;
}

/** Reads the head of a line by parsing it, which finds a torn line for certain; null where it is not a result. */
export function readAnyLine(bytes: Buffer): ResultHead | null {
  try {
    const line = parseResultLine(bytes.toString('utf8'));
    if (line === null) return null;
    const { kind, failure, promptTokens, completionTokens, cachedTokens, retried, isReused, note } = sampleOf(line);
    const number = line.llmbatch?.line;
    return {
      id: line.custom_id,
      line: Number.isSafeInteger(number) ? number : 0,
      kind,
      promptTokens,
      completionTokens,
      cachedTokens,
      ...(failure === undefined ? {} : { failure }),
      ...(retried === undefined ? {} : { retried }),
      ...(isReused === undefined ? {} : { isReused }),
      ...(note === undefined ? {} : { note }),
    };
  } catch {
    // The line of another program may have other types than a result has.
    return null;
  }
}
