import type { FileHandle } from 'node:fs/promises';
import { answerText } from '../core/completion.ts';
import { readLineBlocks } from '../core/read-lines.ts';
import { type ByteRange, readRanges } from '../core/read-ranges.ts';
import { type ResultDetails, parseResultLine } from '../core/result-line.ts';

type Place = NonNullable<ResultDetails['conversation']>;

/** The turns that a worker's history was made of when the run stopped. */
export interface LaneTurns {
  /** Of the last turn. */
  place: Place;
  /** In order, the last `place.history` of them at least. */
  turns: { id: string; answer: string; tokens: number }[];
}

const placePattern = /"conversation":\{"lane":(\d+),"turn":(\d+),"history":(\d+),"since_trim":(\d+)\}/;

interface KnownLane {
  last: Place;
  turns: Map<number, ByteRange>;
}

/** Finds in an output the last turns of each worker's conversation. */
export async function loadTurns(handle: FileHandle, size: number): Promise<Map<number, LaneTurns>> {
  const lanes = new Map<number, KnownLane>();
  for await (const lines of readLineBlocks(handle, { end: size })) {
    for (const { bytes, offset, length } of lines) {
      const place = readPlace(bytes);
      if (place !== null) noteTurn(lanes, place, { offset, length });
    }
  }
  const loaded = new Map<number, LaneTurns>();
  for (const [lane, known] of lanes) loaded.set(lane, { place: known.last, turns: await readTurns(handle, known) });
  return loaded;
}

function readPlace(bytes: Buffer): Place | null {
  const found = placePattern.exec(bytes.toString('latin1'));
  if (found === null) return null;
  const [lane = 0, turn = 0, history = 0, sinceTrim = 0] = found.slice(1).map(Number);
  return { lane, turn, history, since_trim: sinceTrim };
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

async function readTurns(
  handle: FileHandle,
  { turns }: { turns: Map<number, ByteRange> },
): Promise<LaneTurns['turns']> {
  const inOrder = [...turns].toSorted(([left], [right]) => left - right).map(([, range]) => range);
  const lines = await readRanges(handle, inOrder);
  return lines
    .map((line) => parseResultLine(line.toString('utf8')))
    .filter((line) => line !== null)
    .map(({ custom_id: id, response }) => ({
      id,
      answer: response === null ? '' : answerText(response.body),
      tokens: response?.body.usage?.total_tokens ?? 0,
    }));
}
