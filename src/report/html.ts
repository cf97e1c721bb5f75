import { formatDuration, formatRate } from '../core/format.ts';
import { pageStyle } from './page-style.ts';
import { printable } from './printable.ts';
import type { RateOverTime } from './rate-over-time.ts';
import type { ReportData } from './report-data.ts';
import type { Section } from './sections.ts';
import { sectionsOf } from './sections.ts';

/** The report as one page that needs no other file and no script. */
export function renderHtml(data: ReportData): string {
  const title = escapeHtml(`llmbatch: ${data.run.outputPath}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${pageStyle}</style>
</head>
<body>
<h1>${title}</h1>
<main>
${data.rateOverTime === null ? '' : renderChart(data.rateOverTime)}
${sectionsOf(data).map(renderSection).join('\n')}
</main>
</body>
</html>
`;
}

/** Text from data stays text. */
function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return printable(text).replaceAll(/[&<>"']/g, (character) => names[character] ?? character);
}

function renderSection({ title, header, rows }: Section): string {
  const head = header === null ? '' : `<thead>${renderRow(header, 'th scope="col"')}</thead>`;
  const body = rows.map((row) => renderRow(row, 'td')).join('\n');
  const kind = header === null ? 'pairs' : 'table';
  return `<section class="${kind}">
<h2>${escapeHtml(title)}</h2>
<div class="scroll"><table>${head}<tbody>
${body}
</tbody></table></div>
</section>`;
}

/** The first cell of a row names the row. */
function renderRow([label = '', ...cells]: string[], tag: string): string {
  const scope = tag === 'td' ? 'th scope="row"' : tag;
  return `<tr>${renderCell(scope, label)}${cells.map((cell) => renderCell(tag, cell)).join('')}</tr>`;
}

const renderCell = (tag: string, text: string): string => `<${tag}>${escapeHtml(text)}</${tag.slice(0, 2)}>`;

const chart = { width: 600, height: 120 };

function renderChart({ startedAt, bucketSeconds, rates }: RateOverTime): string {
  const peak = Math.max(...rates);
  const width = chart.width / rates.length;
  const bars = rates.map((rate, index) => {
    const height = (rate / peak) * chart.height;
    const place = `x="${(index * width).toFixed(1)}" y="${(chart.height - height).toFixed(1)}"`;
    const size = `width="${(width * 0.9).toFixed(1)}" height="${height.toFixed(1)}"`;
    return `<rect ${place} ${size}><title>${formatRate(rate)} req/s</title></rect>`;
  });
  const caption = `Requests a second from ${startedAt}, ${formatDuration(bucketSeconds * 1000)} a bar, peak ${formatRate(peak)}`;
  return `<section class="chart">
<h2>Rate over time</h2>
<svg viewBox="0 0 ${chart.width} ${chart.height}" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(caption)}">
${bars.join('\n')}
</svg>
<p>${escapeHtml(caption)}</p>
</section>`;
}
