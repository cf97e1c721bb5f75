import type { Config, EncodeEntry, Mark } from 'vega';

/**
 * Shapes and dashes of the series, which tell them apart without their colours, for colour-blind readers and in print. The
 * colours are variables of the page, which has one set for light and one for dark.
 */
const looks = [
  { shape: 'circle', dash: [] },
  { shape: 'square', dash: [6, 3] },
  { shape: 'triangle-up', dash: [2, 2] },
  { shape: 'diamond', dash: [8, 3, 2, 3] },
  { shape: 'cross', dash: [4, 4] },
  { shape: 'triangle-down', dash: [1, 3] },
];

export interface SeriesLook {
  colour: string;
  shape: string;
  dash: number[];
}

export const seriesLook = (index: number): SeriesLook => {
  const look = looks[index % looks.length]!;
  return { ...look, colour: `var(--s${(index % looks.length) + 1})` };
};

const text = 'var(--soft)';

export const chartConfig: Config & { aria: boolean } = {
  // A screen reader reads the name of the whole drawing, and not each of its ticks.
  aria: false,
  axis: {
    labelColor: text,
    titleColor: text,
    domainColor: 'var(--line)',
    tickColor: 'var(--line)',
    gridColor: 'var(--line)',
    labelFont: 'system-ui, sans-serif',
    titleFont: 'system-ui, sans-serif',
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelLimit: 260,
    titlePadding: 8,
  },
  axisX: { grid: false },
};

export const ink = 'var(--ink)';
export const soft = text;
/** Colour of what is set off from the rest. */
export const accent = 'var(--s2)';
export const plain = 'var(--s1)';

/** Look of a text in a drawing. */
export const labelText = { fontSize: 12, font: 'system-ui, sans-serif', fill: ink };

/** A mark of Vega for each row of a data set. A channel that is no object is a constant. */
export function markOf(type: MarkType, data: string, channels: Record<string, string | number | object>): Mark {
  const entries = Object.entries(channels).map(([name, channel]) => [
    name,
    typeof channel === 'object' ? channel : { value: channel },
  ]);
  return { type, from: { data }, encode: { update: Object.fromEntries(entries) as EncodeEntry } };
}

type MarkType = 'rect' | 'rule' | 'text' | 'symbol' | 'line';

/** A channel that takes a field of the row through a scale. */
export const on = (scale: string, field: string, more: object = {}) => ({ scale, field, ...more });

/** A channel that takes the value of an expression. Expressions are ours: no text of data is ever a part of one. */
export const signal = (expression: string) => ({ signal: expression });
