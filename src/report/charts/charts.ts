import type { Spec } from 'vega';
import { printableLines } from '../../text/printable.ts';
import { barSpec, histogramSpec } from './bar-spec.ts';
import type { Chart, Room } from './chart.ts';
import { chartConfig, seriesLook } from './chart-theme.ts';
import { gridSpec } from './grid-spec.ts';
import { lineSpec } from './line-spec.ts';
import { escapeHtml, renderTable } from '../markup.ts';

/** Sizes of the drawings in pixels, as they are shown: the letters of a scaled drawing would be too small or too large. */
const widths = { full: 1100, wide: 520, narrow: 336, small: 250 };
const heights = { full: 260, wide: 260, narrow: 220, small: 110 };

type Size = keyof typeof widths;

/** Renders a chart and its numbers as HTML. It is drawn twice, for a screen and for a phone, and the page shows one of the two. */
export async function renderFigure(chart: Chart): Promise<string> {
  const isFull = chart.kind === 'grid' && chart.columns.length > maxHalfColumns;
  const large = [isFull ? 'full' : 'wide', 'narrow'] as const;
  const sizes: readonly Size[] = chart.isSmall === true ? ['small'] : large;
  const drawings: string[] = [];
  for (const size of sizes) drawings.push(`<div class="${size}">${await renderSvg(chart, size)}</div>`);
  const figureClass = chart.isSmall === true ? 'small' : isFull ? 'whole' : '';
  const { caption, numbers } = chart;
  return `<figure class="${figureClass}">
<figcaption>${escapeHtml(chart.title)}</figcaption>
${legendOf(chart)}${drawings.join('\n')}
${caption === undefined ? '' : `<p>${escapeHtml(caption)}</p>`}
${numbers === undefined ? '' : renderTable(numbers.header, numbers.rows)}
</figure>`;
}

/** Columns of a grid that half of the page has room for. */
const maxHalfColumns = 5;

/** Draws a chart as SVG, which takes its colours from the page. */
async function renderSvg(chart: Chart, size: Size): Promise<string> {
  const { View, parse } = await loadVega();
  const spec: Spec = {
    width: widths[size],
    height: heights[size],
    padding: 2,
    autosize: { type: 'fit-x', contains: 'padding' },
    ...specOf(chart, { isNarrow: size === 'narrow', width: widths[size] }),
  };
  const view = new View(parse(spec, chartConfig), { renderer: 'none', logLevel: 0 });
  const svg = await view.toSVG();
  view.finalize();
  // The replacement is a function because `replace` would read a `$&` in a title as the match. Names in the drawing may hold
  // characters that no page may hold.
  return printableLines(svg).replace('<svg ', () => `<svg role="img" aria-label="${escapeHtml(chart.title)}" `);
}

/**
 * Loads Vega, which is slow to load and needed for HTML alone. Without a canvas Vega takes letters for a third wider than they
 * are, and would cut names that have room.
 */
async function loadVega(): Promise<typeof import('vega')> {
  const vega = await import('vega');
  const { textMetrics } = vega as unknown as { textMetrics: { width: MeasureText } };
  textMetrics.width = ({ fontSize = 12, text = '' }, part = text) => 0.6 * fontSize * part.length;
  return vega;
}

type MeasureText = (item: { fontSize?: number; text?: string }, part?: string) => number;

function specOf(chart: Chart, room: Room): Spec {
  if (chart.kind === 'lines') return lineSpec(chart, room);
  if (chart.kind === 'bars') return barSpec(chart);
  return chart.kind === 'grid' ? gridSpec(chart, room) : histogramSpec(chart, room);
}

/** The legend of a chart of several lines. It is HTML, not a part of the drawing, so that long names break into lines. */
function legendOf(chart: Chart): string {
  if (chart.kind !== 'lines' || chart.series.length < 2) return '';
  const items = chart.series.map(({ name }, index) => `<li>${swatch(index)}${escapeHtml(name)}</li>`);
  return `<ul class="legend">${items.join('')}</ul>\n`;
}

function swatch(index: number): string {
  const { colour, dash } = seriesLook(index);
  return `<svg width="28" height="10" aria-hidden="true"><line x1="0" y1="5" x2="28" y2="5" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash.join(' ')}"/></svg>`;
}
