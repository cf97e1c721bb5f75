import { snakeKeys } from '../text/snake-keys.ts';
import type { ReportData } from './report-data.ts';

/** `ReportData` with its keys in snake_case: `done`, `tokens.cache_hit_rate`, `latency_ms.p95`, `run.output_path`, ... */
export const renderJson = (data: ReportData): string => `${JSON.stringify(snakeKeys(data), null, 2)}\n`;
