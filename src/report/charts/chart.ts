/** What a chart shows, in the units of its axes. `charts.ts` decides how it is drawn. */
export type Chart = LineChart | BarChart | HistogramChart | GridChart;

/** The room that a chart is drawn in. */
export interface Room {
  /** The chart is for a phone. */
  isNarrow: boolean;
  /** Width in pixels. */
  width: number;
}

interface ChartText {
  title: string;
  /** A sentence that says what is to be seen. */
  caption?: string;
  /** Table of the chart's numbers, printed below it. */
  numbers?: { header: string[]; rows: string[][] };
  /** The chart is drawn small, because it is one of many alike. */
  isSmall?: boolean;
}

export interface LineChart extends ChartText {
  kind: 'lines';
  /** In `steps` each x is a name, and the names stand in the order of the points. */
  x: { title: string; scale: 'linear' | 'steps' };
  y: { title: string; max?: number };
  series: { name: string; points: Point[] }[];
  /** Vertical lines at an x, each with its name. */
  verticals?: { at: number | string; name: string }[];
  /** Horizontal lines at a y, each with its name. */
  horizontals?: { at: number; name: string }[];
  /** Stretches of x that are set off by a tinted background. */
  bands?: { from: number; to: number }[];
}

interface Point {
  x: number | string;
  /** Null where it was not measured: the line has a gap there. */
  y: number | null;
  /** Ends of the range of y, drawn as a vertical bar. */
  low?: number | null;
  high?: number | null;
}

/** A chart of horizontal bars, one under the other. */
export interface BarChart extends ChartText {
  kind: 'bars';
  x: { title: string };
  bars: Bar[];
}

export interface Bar {
  name: string;
  value: number;
  /** The value as it is printed beside the name. */
  text: string;
  low?: number | null;
  high?: number | null;
  /** The bar is drawn in another colour, because the others are compared with it or because it stands out. */
  isSetOff?: boolean;
}

export interface HistogramChart extends ChartText {
  kind: 'histogram';
  x: { title: string; scale: 'linear' | 'log' };
  y: { title: string };
  bins: { from: number; to: number; count: number }[];
}

/** A grid of shares, 0 to 1: the stronger the colour of a cell, the closer to 1. */
export interface GridChart extends ChartText {
  kind: 'grid';
  x: { title: string };
  y: { title: string };
  /** `short` is the name where the chart is drawn for a phone. */
  columns: { name: string; short: string }[];
  rows: { name: string; short: string; cells: ({ share: number; text: string; isSetOff?: boolean } | null)[] }[];
}
