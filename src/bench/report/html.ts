import { renderPage } from '../../report/page.ts';
import type { BenchReport } from './bench-report.ts';
import { partsOf } from './parts.ts';

/** `report.html`: opens without a network, and needs no other file. */
export const renderBenchHtml = (report: BenchReport): Promise<string> =>
  renderPage(`llmbatch bench: ${report.name}`, partsOf(report));
