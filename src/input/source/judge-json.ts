import { type FileName } from './file-name.ts';
import { parseJson } from './parse-json.ts';
import { isMaybeWrapped, refuseWrapped } from './wrapped.ts';

/** The head of a file that starts with no blank, and whether it is the whole file, or as long as it gets. */
export interface JsonHead {
  text: string;
  isWhole: boolean;
  isFull: boolean;
  file: FileName;
  /** A line is a row, as the user says: one object is no wrapping. */
  isOfLines: boolean;
}

type JsonJudgement = 'jsonl' | 'array' | 'objects' | 'other';

/**
 * Says how JSON lies in a file: an object a line, one array, objects over several lines or behind each other; `other`
 * where it is no JSON, null while more must be seen. One broken line does not make another form of JSONL.
 */
export function judgeJson(head: JsonHead): JsonJudgement | null {
  const { text } = head;
  if (text.startsWith('[')) return 'array';
  const lines = text.split('\n');
  const [firstLine = ''] = lines;
  if (lines.length === 1 && !isEnd(head)) return null;
  if (parseJson(firstLine) !== undefined) return hasMore(text, firstLine.length) ? 'jsonl' : judgeOnly(head, 'jsonl');
  if (firstLine.startsWith('{')) return judgeBegun(head, firstLine);
  if (lines.some(isObject)) return 'jsonl';
  return isEnd(head) ? 'other' : null;
}

const isEnd = ({ isWhole, isFull }: JsonHead): boolean => isWhole || isFull;

const hasMore = (text: string, from: number): boolean => /\S/.test(text.slice(from));

/** A line that starts without a blank, as no object within an indented one does. */
const isObject = (line: string): boolean => line.startsWith('{') && parseJson(line) !== undefined;

/** The file holds one object, as far as it is seen. */
function judgeOnly(head: JsonHead, form: 'jsonl' | 'objects'): JsonJudgement | null {
  if (head.isOfLines) return form;
  if (!isEnd(head) && isMaybeWrapped(head.text)) return null;
  refuseWrapped(head.text, head.file);
  return form;
}

/** The first line may go on behind the head, which then ends anywhere, within a text too. */
function judgeBegun(head: JsonHead, firstLine: string): JsonJudgement | null {
  const isCut = head.isFull && !head.isWhole && firstLine.length === head.text.length;
  return isCut ? judgeOpen(head, firstLine) : judgeFirst(head, firstLine);
}

/** The first line is no JSON by itself: an object over several lines, several on one, or a broken line. */
function judgeFirst(head: JsonHead, firstLine: string): JsonJudgement | null {
  const { text } = head;
  const end = endOfObject(text);
  if (typeof end === 'number' && parseJson(text.slice(0, end)) !== undefined) {
    const isJoined = end > firstLine.length || /^\s*\{/.test(text.slice(end));
    if (!isJoined) return 'jsonl';
    return hasMore(text, end) ? 'objects' : judgeOnly(head, 'objects');
  }
  const isBroken = endOfObject(firstLine) !== 'open' || text.split('\n').some(isObject);
  if (isBroken) return 'jsonl';
  return end === 'open' && !isEnd(head) ? null : judgeOpen(head, firstLine);
}

/** An object begins on the first line, and goes on behind it: to behind the head, or to where it is wrong. */
function judgeOpen({ text, file, isOfLines }: JsonHead, firstLine: string): JsonJudgement {
  if (!isOfLines) refuseWrapped(text, file);
  return hasMore(text, firstLine.length) ? 'objects' : 'jsonl';
}

/** A text, a quote that none follows on its line, or a bracket. */
const mark = /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|["{}[\]]/g;

/** Where the first object ends; `open` where it goes on behind the text, `broken` where it can't. */
function endOfObject(text: string): number | 'open' | 'broken' {
  const open: string[] = [];
  for (const found of text.matchAll(mark)) {
    const [sign] = found;
    if (sign === '"') return 'broken';
    if (sign === '{' || sign === '[') open.push(sign === '{' ? '}' : ']');
    else if (sign === '}' || sign === ']') {
      if (open.pop() !== sign) return 'broken';
      if (open.length === 0) return found.index + 1;
    }
  }
  return 'open';
}
