import { formatCounted, formatDuration, formatInteger, formatPercent, formatRate } from '../text/format.ts';
import type { ReportData } from './report-data.ts';

/** What came of the run, such as "Finished: 1,471 of 1,500 requests succeeded, 29 failed (1.9%)". */
export function reportHeadline({ run, done, succeeded, failed }: ReportData): string {
  const total = run.total ?? done;
  const word = run.state === 'finished' ? 'Finished' : run.state === 'running' ? 'Running' : 'Not finished';
  const left = total > done ? `, ${formatInteger(total - done)} left` : '';
  const failures = failed === 0 ? 'none failed' : `${formatInteger(failed)} failed (${formatPercent(failed / done)})`;
  return `${word}: ${formatInteger(succeeded)} of ${formatCounted(total, 'request')} succeeded, ${failures}${left}`;
}

/** How fast the run was, and with what, as sentences below the headline. */
export function reportSpeed({ run, requestRate, elapsedSeconds, latencyMs, failed }: ReportData): string {
  const engine = [run.backend, run.model].filter(Boolean).join(', ');
  const time = elapsedSeconds === null ? '' : ` in ${formatDuration(elapsedSeconds * 1000)}`;
  const rate = `${formatRate(requestRate)} requests per second${time}, with ${engine}.`;
  if (latencyMs === null) return rate;
  return `${rate} Half of the ${failed === 0 ? 'requests' : 'successful requests'} took at most ${formatDuration(latencyMs.p50)}, 95 of 100 at most ${formatDuration(latencyMs.p95)}.`;
}
