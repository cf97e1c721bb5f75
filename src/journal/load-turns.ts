import type { FileHandle } from 'node:fs/promises';
import { answerText } from '../core/completion.ts';
import { isRecord } from '../data/is-record.ts';
import { type ByteRange, readEachRange } from '../files/read-ranges.ts';
import { type ResultDetails, parseResultLine } from '../core/result-line.ts';
import { readResultLines } from '../files/read-result-lines.ts';

type Place = NonNullable<ResultDetails['conversation']>;

/** The turns that a worker's history was made of when the run stopped. */
export interface LaneTurns {
  /** Of the last turn. */
  place: Place;
  /** In order, the last `place.history` of them at least. */
  turns: { id: string; answer: string; tokens: number }[];
}

const placeMark = '"conversation":{"lane":';

interface KnownLane {
  last: Place;
  turns: Map<number, ByteRange>;
}

/** Finds in an output the last turns of each worker's conversation. */
export async function loadTurns(handle: FileHandle, size: number): Promise<Map<number, LaneTurns>> {
  const lanes = new Map<number, KnownLane>();
  for await (const lines of readResultLines(handle, size)) {
    for (const { bytes, offset, length } of lines) {
      const place = readPlace(bytes);
      if (place !== null) noteTurn(lanes, place, { offset, length });
    }
  }
  const loaded = new Map<number, LaneTurns>();
  for (const [lane, known] of lanes) loaded.set(lane, { place: known.last, turns: await readTurns(handle, known) });
  return loaded;
}

/** An answer or a row may hold such a place too, so the line is parsed. */
function readPlace(bytes: Buffer): Place | null {
  if (!bytes.includes(placeMark)) return null;
  const place = parseResultLine(bytes.toString('utf8'))?.llmbatch?.conversation;
  return isPlace(place) ? place : null;
}

function isPlace(value: unknown): value is Place {
  if (!isRecord(value)) return false;
  const { lane, turn, history, since_trim } = value;
  return [lane, turn, history, since_trim].every((number) => Number.isSafeInteger(number) && Number(number) >= 0);
}

function noteTurn(lanes: Map<number, KnownLane>, place: Place, range: ByteRange): void {
  const known = lanes.get(place.lane) ?? { last: place, turns: new Map<number, ByteRange>() };
  if (place.turn > known.last.turn) known.last = place;
  known.turns.set(place.turn, range);
  forgetOld(known);
  lanes.set(place.lane, known);
}

/** A history of so many messages has at most so many turns. */
function forgetOld({ last, turns }: KnownLane): void {
  if (turns.size < 2 * (last.history + 64)) return;
  for (const turn of turns.keys()) {
    if (turn < last.turn - last.history) turns.delete(turn);
  }
}

async function readTurns(handle: FileHandle, { turns }: KnownLane): Promise<LaneTurns['turns']> {
  const inOrder = [...turns].toSorted(([left], [right]) => left - right).map(([, range]) => range);
  const read: LaneTurns['turns'] = [];
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
