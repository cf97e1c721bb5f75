import { snapshotToWire } from '../core/snapshot.ts';
import { jsonVersion, snakeKeys } from '../text/snake-keys.ts';
import type { ReportData } from './report-data.ts';

/** The report as one JSON object with keys in snake_case: `done`, `tokens.cache_hit_rate`, `latency_ms.p95` and so on. */
export function renderJson({ run: { snapshot, ...run }, errors, ...data }: ReportData): string {
  const facts = { ...run, snapshot: snapshot === null ? null : snapshotToWire(snapshot) };
  const answers = data.answers.map(({ id, line, text }) => ({ id, line, text }));
  const flat = {
    run: facts,
    ...data,
    answers,
    errors: errors.byKind,
    errorGroups: errors.byGroup,
    failures: errors.failures,
  };
  return `${JSON.stringify({ schema_version: jsonVersion, ...(snakeKeys(flat) as object) }, null, 2)}\n`;
}
