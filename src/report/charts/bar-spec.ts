import type { Spec } from 'vega';
import type { BarChart, HistogramChart } from './chart.ts';
import { accent, ink, labelText, markOf, on, plain, signal, soft } from './chart-theme.ts';

const barHeight = 28;

/** The Vega specification of a bar chart. Names stand above their bars, for they may be long and the page narrow. */
export function barSpec({ bars, x }: BarChart): Spec {
  const max = Math.max(...bars.map(({ value, high }) => high ?? value), 0);
  return {
    height: bars.length * barHeight * 1.6,
    data: [
      { name: 'bars', values: bars.map((bar, index) => ({ ...bar, index })) },
      { name: 'ranges', source: 'bars', transform: [{ type: 'filter', expr: 'isValid(datum.low)' }] },
    ],
    scales: [
      { name: 'x', type: 'linear', domain: [0, max > 0 ? max : 1], range: 'width', nice: true },
      { name: 'y', type: 'band', domain: bars.map((_, index) => index), range: 'height' },
    ],
    axes: [{ orient: 'bottom', scale: 'x', title: x.title, tickCount: 5 }],
    marks: barMarks,
  };
}

const top = (offset: number) => on('y', 'index', { offset });

const barMarks = [
  markOf('rect', 'bars', {
    x: 0,
    x2: on('x', 'value'),
    y: top(20),
    height: 18,
    fill: [{ test: 'datum.isSetOff', value: accent }, { value: plain }],
  }),
  markOf('rule', 'ranges', { x: on('x', 'low'), x2: on('x', 'high'), y: top(29), stroke: ink, strokeWidth: 2 }),
  markOf('text', 'bars', { ...labelText, x: 2, y: top(15), text: { field: 'name' }, limit: signal('width * 0.68') }),
  markOf('text', 'bars', {
    ...labelText,
    x: signal('width'),
    y: top(15),
    align: 'right',
    text: { field: 'text' },
    fill: soft,
  }),
];

/** The Vega specification of a histogram: bars between the edges of their bins. */
export function histogramSpec({ bins, x, y }: HistogramChart, { isNarrow }: { isNarrow: boolean }): Spec {
  const domain: [number, number] = [bins[0]?.from ?? 0, bins.at(-1)?.to ?? 1];
  const ticks = { tickCount: isNarrow ? 4 : 8, ...(x.scale === 'log' ? { values: logTicks(domain) } : {}) };
  return {
    data: [{ name: 'bins', values: bins }],
    scales: [
      { name: 'x', type: x.scale, domain, range: 'width', zero: false },
      { name: 'y', type: 'linear', domain: { data: 'bins', field: 'count' }, range: 'height', zero: true, nice: true },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: x.title, labelOverlap: true, format: ',.0f', tickMinStep: 1, ...ticks },
      { orient: 'left', scale: 'y', title: y.title, tickCount: 5, tickMinStep: 1, grid: true },
    ],
    marks: [
      markOf('rect', 'bins', {
        x: on('x', 'from'),
        x2: on('x', 'to', { offset: -1 }),
        y: on('y', 'count'),
        y2: { scale: 'y', value: 0 },
        fill: plain,
      }),
    ],
  };
}

/** Ticks of a logarithmic axis: 1, 2 and 5 of each power of ten. */
function logTicks([from, to]: [number, number]): number[] {
  const first = Math.floor(Math.log10(from));
  const powers = Array.from({ length: Math.ceil(Math.log10(to)) - first + 1 }, (_, at) => 10 ** (first + at));
  return powers.flatMap((power) => [power, 2 * power, 5 * power]).filter((tick) => tick >= from && tick <= to);
}
