import type { Mark, Scale, Spec } from 'vega';
import type { LineChart } from './chart.ts';
import { ink, labelText, seriesLook, soft } from './chart-theme.ts';

/** The Vega specification of a line chart. Texts are passed as data, never as a part of an expression. */
export function lineSpec(chart: LineChart, { isNarrow }: { isNarrow: boolean }): Spec {
  const { series, verticals = [], horizontals = [], bands = [], isSmall = false } = chart;
  const points = series.flatMap((line, index) => line.points.map((point) => ({ ...point, series: index })));
  return {
    data: [
      { name: 'points', values: points },
      { name: 'ranges', source: 'points', transform: [{ type: 'filter', expr: 'isValid(datum.low)' }] },
      { name: 'verticals', values: verticals },
      { name: 'horizontals', values: horizontals },
      { name: 'bands', values: bands },
    ],
    scales: [xScale(chart), yScale(chart), ...lookScales(series.length)],
    axes: [
      {
        orient: 'bottom',
        scale: 'x',
        title: chart.x.title,
        tickCount: isNarrow || isSmall ? 4 : 8,
        labelOverlap: true,
      },
      { orient: 'left', scale: 'y', title: chart.y.title, tickCount: isSmall ? 3 : 5, grid: true },
    ],
    marks: [
      bandMark,
      ...ruleMarks,
      { type: 'group', from: { facet: { name: 'line', data: 'points', groupby: 'series' } }, marks: [lineMark] },
      rangeMark,
      ...(points.length / series.length <= 24 && !isSmall ? [pointMark] : []),
    ],
  };
}

const xScale = ({ x, series }: LineChart): Scale =>
  x.scale === 'linear'
    ? { name: 'x', type: 'linear', domain: { data: 'points', field: 'x' }, range: 'width', zero: false, nice: false }
    : {
        name: 'x',
        type: 'point',
        domain: [...new Set(series.flatMap((line) => line.points.map((point) => String(point.x))))],
        range: 'width',
        padding: 0.5,
      };

/** The scale begins at 0, and ends above the highest value by some room for the names of the vertical lines. */
function yScale({ y, series, verticals = [], horizontals = [] }: LineChart): Scale {
  const values = series.flatMap((line) => line.points.flatMap((point) => [point.y, point.high ?? null]));
  const seen = [...values, ...horizontals.map(({ at }) => at)].filter((value) => value !== null);
  const max = y.max ?? Math.max(...seen, 0) * (verticals.length > 0 ? 1.15 : 1.05);
  return { name: 'y', type: 'linear', domain: [0, max > 0 ? max : 1], range: 'height', nice: true };
}

function lookScales(count: number): Scale[] {
  const looks = Array.from({ length: count }, (_, index) => seriesLook(index));
  const domain = looks.map((_, index) => index);
  return [
    { name: 'colour', type: 'ordinal', domain, range: looks.map(({ colour }) => colour) },
    { name: 'shape', type: 'ordinal', domain, range: looks.map(({ shape }) => shape) },
    { name: 'dash', type: 'ordinal', domain, range: looks.map(({ dash }) => dash) },
  ];
}

const at = { scale: 'x', field: 'x' };
const colour = { scale: 'colour', field: 'series' };

const lineMark: Mark = {
  type: 'line',
  from: { data: 'line' },
  encode: {
    update: {
      x: at,
      y: { scale: 'y', field: 'y' },
      defined: { signal: 'isValid(datum.y)' },
      stroke: colour,
      strokeDash: { scale: 'dash', field: 'series' },
      strokeWidth: { value: 2 },
    },
  },
};

const pointMark: Mark = {
  type: 'symbol',
  from: { data: 'points' },
  encode: {
    update: {
      x: at,
      y: { scale: 'y', field: 'y' },
      opacity: { signal: 'isValid(datum.y) ? 1 : 0' },
      shape: { scale: 'shape', field: 'series' },
      fill: colour,
      size: { value: 50 },
    },
  },
};

const rangeMark: Mark = {
  type: 'rule',
  from: { data: 'ranges' },
  encode: {
    update: {
      x: at,
      y: { scale: 'y', field: 'low' },
      y2: { scale: 'y', field: 'high' },
      stroke: colour,
      strokeWidth: { value: 5 },
      opacity: { value: 0.4 },
    },
  },
};

const bandMark: Mark = {
  type: 'rect',
  from: { data: 'bands' },
  encode: {
    update: {
      x: { scale: 'x', field: 'from' },
      x2: { scale: 'x', field: 'to' },
      y: { value: 0 },
      y2: { signal: 'height' },
      fill: { value: 'var(--s1)' },
      opacity: { value: 0.12 },
    },
  },
};

const thin = { stroke: { value: soft }, strokeDash: { value: [3, 3] } };

const ruleMarks: Mark[] = [
  {
    type: 'rule',
    from: { data: 'verticals' },
    encode: { update: { x: { scale: 'x', field: 'at' }, y: { value: 0 }, y2: { signal: 'height' }, ...thin } },
  },
  {
    type: 'text',
    from: { data: 'verticals' },
    encode: {
      update: {
        ...labelText,
        x: { scale: 'x', field: 'at' },
        dx: { signal: "scale('x', datum.at) > width / 2 ? -6 : 6" },
        align: { signal: "scale('x', datum.at) > width / 2 ? 'right' : 'left'" },
        y: { value: 2 },
        baseline: { value: 'top' },
        text: { field: 'name' },
        fill: { value: ink },
      },
    },
  },
  {
    type: 'rule',
    from: { data: 'horizontals' },
    encode: { update: { x: { value: 0 }, x2: { signal: 'width' }, y: { scale: 'y', field: 'at' }, ...thin } },
  },
  {
    type: 'text',
    from: { data: 'horizontals' },
    encode: {
      update: {
        ...labelText,
        x: { signal: 'width' },
        y: { scale: 'y', field: 'at' },
        dy: { value: -4 },
        align: { value: 'right' },
        text: { field: 'name' },
        fill: { value: ink },
      },
    },
  },
];
