import { Chalk, chalkStderr } from 'chalk';
import type { Snapshot } from '../core/snapshot.ts';
import { type Field, type Shown, progressFields } from './fields.ts';

/** What has a place on the line: a field, or the bar itself. */
type Part = Omit<Field, 'name'> & { name: Field['name'] | 'bar' };

/**
 * Who gets a place on the line first. A field that can be said in fewer words is named twice: it gets its short text where it is
 * named first, and its full text where it is named again.
 */
const placedFirst: Part['name'][] = [
  'count',
  'errors',
  'waiting',
  'eta',
  'rate',
  'percent',
  'bar',
  'generation',
  'eta',
  'elapsed',
  'workers',
  'reused',
  'memory',
  'prompt',
  'load',
  'flight',
  'flight',
];

/** Columns of fields whose texts get longer and shorter: each keeps its place meanwhile. */
const reserved: Partial<Record<Part['name'], { full: number; short?: number }>> = {
  errors: { full: '12 failed'.length },
  rate: { full: '46.9 req/s'.length },
  eta: { full: 'ETA 4m 05s (3m 50s to 4m 20s)'.length, short: 'ETA 10-12 min'.length },
  generation: { full: '~2,734 tok/s'.length },
  prompt: { full: '~2,734 prompt tok/s'.length },
  elapsed: { full: 'elapsed 12m 05s'.length },
};

/** Numbers in front of a unit, whose units stay below one another. */
const toTheRight: ReadonlySet<Part['name']> = new Set(['errors', 'rate', 'generation', 'prompt'] as const);

interface Drawing extends Shown {
  columns: number;
  /** The letters of the bar itself. */
  glyphs?: { filled: string; empty: string } | undefined;
}

/** Draws the line of the bar in less than `columns`. While the total is unknown it has the counts and no bar. */
export function drawFrame(snapshot: Snapshot, { columns, glyphs = blocks, ...shown }: Drawing): string {
  const { total, done } = snapshot.progress;
  const barColumns = Math.min(24, Math.max(8, Math.floor(columns / 8)));
  const filled = Math.floor((done / Math.max(1, done, total ?? 0)) * barColumns);
  const text = glyphs.filled.repeat(filled) + glyphs.empty.repeat(barColumns - filled);
  const parts: Part[] = [{ name: 'bar', text: total === null ? '' : text }, ...progressFields(snapshot, shown)];
  const isOver = shown.isFinal === true || (total !== null && done >= total);
  // A number that is missing for a moment keeps its place; before the first answer, and where no line follows, there is none to keep.
  const keepsEmpty = !isOver && total !== null && snapshot.rates.requests.overall !== null;
  const columnsOf: ColumnsOf = (part, isShort) => {
    const ofText = (isShort ? (part.short ?? part.text) : part.text).length;
    return isOver || (ofText === 0 && !keepsEmpty) ? ofText : Math.max(ofText, reservedFor(part.name, isShort));
  };
  // The last column stays free: some terminals wrap when it is written.
  return fitting(parts, columnsOf, columns - 1)
    .map((part) => paint(part, filled))
    .join(' ')
    .trimEnd();
}

/** The columns of the place of a part, with its short text or its full one; 0: it has none. */
type ColumnsOf = (part: Part, isShort: boolean) => number;

const reservedFor = (name: Part['name'], isShort: boolean): number =>
  reserved[name]?.[isShort ? 'short' : 'full'] ?? reserved[name]?.full ?? 0;

/** The parts that fit into so many columns, each padded to its place. */
function fitting(parts: Part[], columnsOf: ColumnsOf, columns: number): Part[] {
  const placed = new Map<Part, { columns: number; text: string }>();
  let left = columns + 1;
  for (const name of placedFirst) {
    const part = parts.find((one) => one.name === name)!;
    const isShort = part.short !== undefined && !placed.has(part);
    const wanted = columnsOf(part, isShort);
    const more = wanted - (placed.get(part)?.columns ?? -1);
    if (wanted === 0 || more > left) continue;
    placed.set(part, { columns: wanted, text: isShort ? part.short! : part.text });
    left -= more;
  }
  return parts.flatMap((part) => {
    const place = placed.get(part);
    return place === undefined ? [] : [{ name: part.name, text: padded(part.name, place) }];
  });
}

const padded = (name: Part['name'], { text, columns }: { text: string; columns: number }): string =>
  toTheRight.has(name) ? text.padStart(columns) : text.padEnd(columns);

// chalk ignores NO_COLOR (https://no-color.org).
const colour = new Chalk({ level: process.env['NO_COLOR'] ? 0 : chalkStderr.level });

function paint({ name, text }: Part, filled: number): string {
  if (name === 'bar') return colour.cyan(text.slice(0, filled)) + colour.dim(text.slice(filled));
  if (name === 'errors' && !/^ *0 /.test(text)) return colour.red(text);
  return name === 'memory' ? colour.dim(text) : text;
}

const blocks = { filled: '█', empty: '░' };
