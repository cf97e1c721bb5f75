import { Chalk, chalkStderr } from 'chalk';
import type { Snapshot } from '../core/snapshot.ts';
import { type Field, progressFields } from './fields.ts';

/** Columns of the bar itself. */
const maxBarWidth = 24;
const minBarWidth = 8;
/**
 * The fields that are dropped where the line is too narrow, the first one first. One that has a short text gets it where it
 * is named first, and goes where it is named again. Errors are never dropped.
 */
const droppedFirst: Field['name'][] = [
  'prompt',
  'range',
  'memory',
  'load',
  'flight',
  'elapsed',
  'reused',
  'rate',
  'workers',
  'flight',
  'generation',
  'eta',
  'waiting',
  'count',
  'percent',
];

interface Drawing {
  columns: number;
  /** Milliseconds since the run is shown. */
  waitedMs: number;
  /** The letters of the bar itself. */
  glyphs?: { filled: string; empty: string } | undefined;
}

/** Draws the line of the bar in less than `columns`. While the total is unknown it has the counts and no bar. */
export function drawFrame(snapshot: Snapshot, { columns, waitedMs, glyphs = blocks }: Drawing): string {
  const { total, done } = snapshot.progress;
  // The last column stays free: some terminals wrap when it is written.
  const width = columns - 1;
  const barColumns = total === null ? 0 : minBarWidth + 1;
  const fields = fitting(progressFields(snapshot, waitedMs), width - barColumns);
  const text = fields.map(paint).join(' ');
  const barWidth = Math.min(maxBarWidth, width - lengthOf(fields) - 1);
  if (total === null || barWidth < minBarWidth) return text;
  return `${bar(done / Math.max(1, total), barWidth, glyphs)} ${text}`;
}

function fitting(fields: Field[], width: number): Field[] {
  const kept = [...fields];
  for (const name of droppedFirst) {
    if (lengthOf(kept) <= width) break;
    const index = kept.findIndex((field) => field.name === name);
    const { short } = kept[index] ?? {};
    if (index !== -1) kept.splice(index, 1, ...(short === undefined ? [] : [{ name, text: short }]));
  }
  return kept;
}

const lengthOf = (fields: Field[]): number => fields.map((field) => field.text).join(' ').length;

// chalk ignores NO_COLOR (https://no-color.org).
const colour = new Chalk({ level: process.env['NO_COLOR'] ? 0 : chalkStderr.level });

function paint({ name, text }: Field): string {
  if (name === 'errors') return colour.red(text);
  return name === 'memory' || name === 'range' ? colour.dim(text) : text;
}

const blocks = { filled: '█', empty: '░' };

function bar(share: number, width: number, { filled, empty }: typeof blocks): string {
  const columns = Math.min(width, Math.floor(share * width));
  return colour.cyan(filled.repeat(columns)) + colour.dim(empty.repeat(width - columns));
}
