import type { Mark, Scale, Spec } from 'vega';
import type { LineChart } from './chart.ts';
import { labelText, markOf, on, plain, seriesLook, signal, soft } from './chart-theme.ts';

/** The Vega specification of a line chart. Texts are passed as data, never as a part of an expression. */
export function lineSpec(chart: LineChart, { isNarrow }: { isNarrow: boolean }): Spec {
  const { x, y, series, verticals = [], horizontals = [], bands = [], isSmall = false } = chart;
  const points = series.flatMap((line, index) => line.points.map((point) => ({ ...point, series: index })));
  const ticks = isNarrow || isSmall ? 4 : 8;
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
      { orient: 'bottom', scale: 'x', title: x.title, tickCount: ticks, labelOverlap: true },
      { orient: 'left', scale: 'y', title: y.title, tickCount: isSmall ? 3 : 5, grid: true },
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

function xScale({ x, series }: LineChart): Scale {
  if (x.scale === 'linear')
    return {
      name: 'x',
      type: 'linear',
      domain: { data: 'points', field: 'x' },
      range: 'width',
      zero: false,
      nice: false,
    };
  const names = series.flatMap((line) => line.points.map((point) => String(point.x)));
  return { name: 'x', type: 'point', domain: [...new Set(names)], range: 'width', padding: 0.5 };
}

/** The scale begins at 0, and ends above the highest value by some room for the names of the vertical lines. */
function yScale({ y, series, verticals = [], horizontals = [] }: LineChart): Scale {
  const values = series.flatMap((line) => line.points.flatMap((point) => [point.y, point.high ?? null]));
  const drawn = [...values, ...horizontals.map(({ at }) => at)].filter((value) => value !== null);
  const max = y.max ?? Math.max(...drawn, 0) * (verticals.length > 0 ? 1.15 : 1.05);
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

const at = on('x', 'x');
const stroke = on('colour', 'series');
const [bottom, right] = [signal('height'), signal('width')];

const lineMark = markOf('line', 'line', {
  x: at,
  y: on('y', 'y'),
  defined: signal('isValid(datum.y)'),
  stroke,
  strokeDash: on('dash', 'series'),
  strokeWidth: 2,
});

const pointMark = markOf('symbol', 'points', {
  x: at,
  y: on('y', 'y'),
  opacity: signal('isValid(datum.y) ? 1 : 0'),
  shape: on('shape', 'series'),
  fill: stroke,
  size: 50,
});

const rangeMark = markOf('rule', 'ranges', {
  x: at,
  y: on('y', 'low'),
  y2: on('y', 'high'),
  stroke,
  strokeWidth: 5,
  opacity: 0.4,
});

const bandMark = markOf('rect', 'bands', {
  x: on('x', 'from'),
  x2: on('x', 'to'),
  y: 0,
  y2: bottom,
  fill: plain,
  opacity: 0.12,
});

const thin = { stroke: soft, strokeDash: { value: [3, 3] } };
const isAtTheRight = "scale('x', datum.at) > width / 2";

const ruleMarks: Mark[] = [
  markOf('rule', 'verticals', { x: on('x', 'at'), y: 0, y2: bottom, ...thin }),
  markOf('text', 'verticals', {
    ...labelText,
    x: on('x', 'at'),
    dx: signal(`${isAtTheRight} ? -6 : 6`),
    align: signal(`${isAtTheRight} ? 'right' : 'left'`),
    y: 2,
    baseline: 'top',
    text: { field: 'name' },
  }),
  markOf('rule', 'horizontals', { x: 0, x2: right, y: on('y', 'at'), ...thin }),
  markOf('text', 'horizontals', {
    ...labelText,
    x: right,
    // Above the drawing: on its line it would lie over the curve.
    y: -6,
    align: 'right',
    text: { field: 'name' },
  }),
];
