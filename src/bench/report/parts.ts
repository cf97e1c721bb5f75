import type { PagePart } from '../../report/page.ts';
import { agreementPart, disagreementsPart } from './agreement-part.ts';
import type { BenchReport } from './bench-report.ts';
import { curveParts } from './curve-part.ts';
import { engineParts } from './engines-part.ts';
import { projectionPart } from './projection-part.ts';
import { stabilityParts } from './stability-part.ts';
import { aboutPart, summaryPart } from './summary-part.ts';
import { memoryPart, ratePart } from './time-part.ts';
import { trialsPart, verdictsPart } from './trials-part.ts';

/** The whole report of a bench, part by part, as each format draws it. Parts with nothing to tell are left out. */
export function partsOf(report: BenchReport): PagePart[] {
  const parts = [
    summaryPart(report),
    trialsPart(report),
    ...curveParts(report),
    verdictsPart(report),
    ratePart(report),
    projectionPart(report),
    ...engineParts(report),
    agreementPart(report),
    disagreementsPart(report),
    ...stabilityParts(report),
    memoryPart(report),
    aboutPart(report),
  ];
  return parts.filter((part) => part !== null).filter(hasContent);
}

const hasContent = ({ title, notes, rows, charts }: PagePart): boolean =>
  (rows?.length ?? 0) > 0 || (charts?.length ?? 0) > 0 || (title === 'In short' && (notes?.length ?? 0) > 0);
