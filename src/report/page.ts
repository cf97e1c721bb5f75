import type { Chart } from './charts/chart.ts';
import { renderFigure } from './charts/charts.ts';
import { escapeHtml, proseHtml, renderTable } from './markup.ts';
import { pageStyle } from './page-style.ts';
import type { Section } from './sections.ts';

/** A part of a page: charts, sentences and a table under a title. */
export interface PagePart extends Partial<Section> {
  title: string;
  /** Sentences above the charts and the table. */
  notes?: string[];
  charts?: Chart[];
  /** The part takes the whole width of the page instead of one of its two columns. */
  isWide?: boolean;
}

/** Renders an HTML page that needs no other file and no script. */
export async function renderPage(title: string, parts: readonly PagePart[]): Promise<string> {
  const sections: string[] = [];
  for (const part of parts) sections.push(await renderPart(part));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<h1>${withBreaks(escapeHtml(title))}</h1>
<main>
${sections.join('\n')}
</main>
</body>
</html>
`;
}

/** The name of a file breaks before a dot or a hyphen of it, and behind a slash. */
const withBreaks = (html: string): string =>
  html.replaceAll(/[.-](?=\w)/g, '<wbr>$&').replaceAll(/(?<=\w)\//g, '/<wbr>');

async function renderPart({ title, notes = [], charts = [], header = null, rows = [], isWide }: PagePart) {
  const figures: string[] = [];
  for (const chart of charts) figures.push(await renderFigure(chart));
  const isSmall = charts.some((chart) => chart.isSmall === true);
  return `<section${isWide === true ? ' class="wide-part"' : ''}>
<h2>${escapeHtml(title)}</h2>
${notes.map((note) => `<p>${proseHtml(note)}</p>`).join('\n')}
${figures.length === 0 ? '' : `<div class="charts${isSmall ? ' many' : ''}">\n${figures.join('\n')}\n</div>`}
${rows.length === 0 ? '' : renderTable(header, rows)}
</section>`;
}
