/** What a chart shows, in the units of its axes; how it is drawn is the renderer's. */
export type Chart = LineChart | BarChart | HistogramChart | GridChart;

/** Where it is drawn: on a phone, or so many pixels wide. */
export interface Room {
  isNarrow: boolean;
  width: number;
}

interface ChartText {
  title: string;
  /** What is to be seen, in a sentence. */
  caption?: string;
  /** Its numbers, printed beside it. */
  numbers?: { header: string[]; rows: string[][] };
  /** One of many alike: drawn small. */
  isSmall?: boolean;
}

export interface LineChart extends ChartText {
  kind: 'lines';
  /** steps: each x is a name, in the order of the points. */
  x: { title: string; scale: 'linear' | 'steps' };
  y: { title: string; most?: number };
  series: { name: string; points: Point[] }[];
  /** A vertical line, and a horizontal one, with its name. */
  verticals?: { at: number | string; name: string }[];
  horizontals?: { at: number; name: string }[];
  /** A stretch of x that is set off. */
  bands?: { from: number; to: number }[];
}

interface Point {
  x: number | string;
  /** Null: not measured, and a gap in the line. */
  y: number | null;
  low?: number | null;
  high?: number | null;
}

/** Horizontal bars, one under the other. */
export interface BarChart extends ChartText {
  kind: 'bars';
  x: { title: string };
  bars: Bar[];
}

export interface Bar {
  name: string;
  value: number;
  /** Its value, to be printed at its end. */
  text: string;
  low?: number | null;
  high?: number | null;
  /** Drawn in another colour: what the others are compared with, or what is marked. */
  isSetOff?: boolean;
}

export interface HistogramChart extends ChartText {
  kind: 'histogram';
  x: { title: string; scale: 'linear' | 'log' };
  y: { title: string };
  bins: { from: number; to: number; count: number }[];
}

/** Cells of shares, 0 to 1: the fuller the colour, the nearer to 1. */
export interface GridChart extends ChartText {
  kind: 'grid';
  x: { title: string };
  y: { title: string };
  /** `short`: for a phone. */
  columns: { name: string; short: string }[];
  rows: { name: string; short: string; cells: ({ share: number; text: string; isSetOff?: boolean } | null)[] }[];
}
