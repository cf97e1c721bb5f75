import { renderHtml } from './html.ts';
import { renderJson } from './json.ts';
import { renderMarkdown } from './markdown.ts';
import type { ReportData } from './report-data.ts';
import { renderText } from './text.ts';

/** The renderers of a report, by their name for `--format`. A new one is a file and a line here. */
export const reportFormats = {
  text: renderText,
  json: renderJson,
  markdown: renderMarkdown,
  html: renderHtml,
} satisfies Record<string, (data: ReportData, columns?: number | null) => string | Promise<string>>;

export type ReportFormat = keyof typeof reportFormats;
