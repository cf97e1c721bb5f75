import type { ErrorKind } from '../core/errors.ts';
import { parseResultLine } from '../core/result-line.ts';
import { sampleOf } from '../core/sample.ts';

/** What a resume must know of a result line. */
export interface ResultHead {
  id: string;
  /** Null for a success. */
  kind: ErrorKind | null;
  promptTokens: number | null;
  completionTokens: number | null;
  cachedTokens: number | null;
}

const idMark = '","custom_id":"';
const successMark = ',"response":{"status_code":200,"request_id":"';
const usageMark = '"usage":{"prompt_tokens":';
const noErrorMark = '},"error":null,"llmbatch":{"line":';
const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;
const usagePattern =
  /"usage":\{"prompt_tokens":(\d+),"completion_tokens":(\d+),"total_tokens":\d+(?:,"prompt_tokens_details":\{"cached_tokens":(\d+)\})?\}/y;

/**
 * Reads the head of a result line; null where the line is none. A success that llmbatch wrote itself is known by the
 * order of its keys and read without parsing the answer (5 times faster); any other line is parsed.
 */
export function readResultHead(bytes: Buffer): ResultHead | null {
  // A byte a character: the quickest way to look for marks, which are ASCII.
  return readOwnSuccess(bytes.toString('latin1')) ?? readAnyLine(bytes);
}

function readOwnSuccess(line: string): ResultHead | null {
  const start = line.indexOf(idMark) + idMark.length;
  if (!line.startsWith('{"id":"batch_req_') || !line.endsWith('}}') || start < idMark.length) return null;
  const end = line.indexOf('"', start);
  const id = line.slice(start, end);
  // An escape, or a byte above ASCII: the id must be decoded.
  if (!plainText.test(id) || !line.startsWith(successMark, end + 1)) return null;
  return readUsage(line, id, end);
}

function readUsage(line: string, id: string, from: number): ResultHead | null {
  // No text of the answer can hold these marks: their quotes would be escaped.
  const usageAt = line.indexOf(usageMark, from);
  if (usageAt === -1 || usageAt > line.indexOf(noErrorMark, from)) return null;
  usagePattern.lastIndex = usageAt;
  const usage = usagePattern.exec(line);
  // A hole that a power cut left in the file reads as NULs.
  if (usage === null || line.includes('\0')) return null;
  return {
    id,
    kind: null,
    promptTokens: Number(usage[1]),
    completionTokens: Number(usage[2]),
    cachedTokens: usage[3] === undefined ? null : Number(usage[3]),
  };
}

/** Parses the line: a torn one is known by that only. */
export function readAnyLine(bytes: Buffer): ResultHead | null {
  const line = parseResultLine(bytes.toString('utf8'));
  if (line === null) return null;
  const { kind, promptTokens, completionTokens, cachedTokens } = sampleOf(line);
  return { id: line.custom_id, kind, promptTokens, completionTokens, cachedTokens };
}
