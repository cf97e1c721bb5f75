import type { FileHandle } from 'node:fs/promises';
import { float64Column, uint32Column } from '../../data/growable-array.ts';
import { answerText } from '../../core/completion.ts';
import { createIdIndex } from '../../data/id-index.ts';
import { readRanges } from '../../files/read-ranges.ts';
import { isSuccess, parseResultLine } from '../../core/result-line.ts';
import { readResultLines } from '../../files/read-result-lines.ts';

/** One whole answer of an output. */
export interface GivenAnswer {
  id: string;
  text: string;
  /** Answer that the input expects; undefined where it doesn't say. */
  expected: unknown;
}

/** The answers of an output, a block at a time; failures have none. */
export async function* readAnswers(handle: FileHandle): AsyncGenerator<GivenAnswer[]> {
  for await (const lines of readResultLines(handle)) {
    yield lines.map(({ bytes }) => parseAnswer(bytes)).filter((answer) => answer !== null);
  }
}

function parseAnswer(bytes: Buffer): GivenAnswer | null {
  const line = parseResultLine(bytes.toString('utf8'));
  if (line === null || !isSuccess(line) || line.response?.body.choices === undefined) return null;
  return { id: line.custom_id, text: answerText(line.response.body), expected: line.llmbatch?.row?.['expected'] };
}

export interface AnswerIndex {
  /** The texts of the answers to these requests; null where there is none. */
  find(ids: readonly string[]): Promise<(string | null)[]>;
}

/** Where the answer to each request lies in an output: 25 bytes a request, however long the answers are. */
export async function indexAnswers(handle: FileHandle): Promise<AnswerIndex> {
  const ids = createIdIndex();
  const [offsets, lengths] = [float64Column(), uint32Column()];
  let size = 0;
  for await (const lines of readResultLines(handle)) {
    for (const { bytes, offset, length } of lines) {
      const answer = parseAnswer(bytes);
      if (answer === null) continue;
      const entry = ids.claim(answer.id, size) ? size++ : ids.find(answer.id);
      offsets.set(entry, offset);
      lengths.set(entry, length);
    }
  }
  return {
    async find(wanted) {
      const entries = wanted.map((id) => ids.find(id));
      const known = entries
        .filter((entry) => entry !== -1)
        .toSorted((one, other) => offsets.get(one) - offsets.get(other));
      const ranges = known.map((entry) => ({ offset: offsets.get(entry), length: lengths.get(entry) }));
      const buffers = await readRanges(handle, ranges);
      const texts = new Map(known.map((entry, at) => [entry, parseAnswer(buffers[at]!)?.text ?? null]));
      return entries.map((entry) => texts.get(entry) ?? null);
    },
  };
}
