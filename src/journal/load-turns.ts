import type { FileHandle } from 'node:fs/promises';
import { answerText } from '../core/completion.ts';
import { isRecord } from '../data/is-record.ts';
import { type ByteRange, readEachRange } from '../files/read-ranges.ts';
import { type TurnPlace, parseResultLine } from '../core/result-line.ts';
import { readResultLines } from '../files/read-result-lines.ts';

/** The turns that a worker's history was made of when the run stopped. */
export interface WorkerTurns {
  /** Place of the last turn. */
  place: TurnPlace;
  /** The last turns in order: at least the `place.history` turns before the last one. */
  turns: { id: string; answer: string; tokens: number }[];
}

/** Where the last turns of a worker lie in the output, by the number of the turn. */
interface LastTurns {
  last: TurnPlace;
  turns: Map<number, ByteRange>;
}

/** Finds in an output the last turns of each worker's conversation. */
export async function loadTurns(handle: FileHandle, size: number): Promise<Map<number, WorkerTurns>> {
  const workers = new Map<number, LastTurns>();
  for await (const lines of readResultLines(handle, size)) {
    for (const { bytes, offset, length } of lines) {
      const place = readPlace(bytes);
      if (place !== null) noteTurn(workers, place, { offset, length });
    }
  }
  const loaded = new Map<number, WorkerTurns>();
  for (const [worker, known] of workers)
    loaded.set(worker, { place: known.last, turns: await readTurns(handle, known) });
  return loaded;
}

const placeMark = '"conversation":{"';

/** The line is parsed where it has the mark: an answer or a row may hold the mark too. */
function readPlace(bytes: Buffer): TurnPlace | null {
  if (!bytes.includes(placeMark)) return null;
  return fromWire(parseResultLine(bytes.toString('utf8'))?.llmbatch?.conversation);
}

/** The place that a result line holds; null where llmbatch wrote none. */
function fromWire(value: unknown): TurnPlace | null {
  if (!isRecord(value)) return null;
  const { worker, turn, history, since_trim: sinceTrim } = value;
  const place = { worker, turn, history, sinceTrim };
  return Object.values(place).every(isCount) ? (place as TurnPlace) : null;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

function noteTurn(workers: Map<number, LastTurns>, place: TurnPlace, range: ByteRange): void {
  const known = workers.get(place.worker) ?? { last: place, turns: new Map<number, ByteRange>() };
  if (place.turn > known.last.turn) known.last = place;
  known.turns.set(place.turn, range);
  forgetOld(known);
  workers.set(place.worker, known);
}

/** Forgets turns that are too old to be part of the history: it has at least one message for each turn. */
function forgetOld({ last, turns }: LastTurns): void {
  if (turns.size < 2 * (last.history + 64)) return;
  for (const turn of turns.keys()) {
    if (turn < last.turn - last.history) turns.delete(turn);
  }
}

async function readTurns(handle: FileHandle, { turns }: LastTurns): Promise<WorkerTurns['turns']> {
  const inOrder = [...turns].toSorted(([left], [right]) => left - right).map(([, range]) => range);
  const read: WorkerTurns['turns'] = [];
  for await (const bytes of readEachRange(handle, inOrder)) {
    const line = parseResultLine(bytes.toString('utf8'));
    if (line === null) continue;
    const { custom_id: id, response } = line;
    read.push({
      id,
      answer: response === null ? '' : answerText(response.body),
      tokens: response?.body.usage?.total_tokens ?? 0,
    });
  }
  return read;
}
