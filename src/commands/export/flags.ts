import { extname } from 'node:path';
import { UsageError } from '../../core/errors.ts';

export const exportFormats = ['csv', 'tsv', 'jsonl', 'json', 'markdown'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportFlags {
  output: string;
  format?: ExportFormat;
  fields?: string[];
  failed: boolean;
  delimiter?: string;
  bom: boolean;
  overwrite: boolean;
}

const formatsByEnding: Record<string, ExportFormat> = {
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.tab': 'tsv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'json',
  '.md': 'markdown',
  '.markdown': 'markdown',
};

/** The format that the flags ask for. Throws a `UsageError` where the name of the file says none. */
export function formatFor({ format, output, delimiter, bom }: ExportFlags): ExportFormat {
  const chosen = format ?? (output === '-' ? 'csv' : formatsByEnding[extname(output).toLowerCase()]);
  if (chosen === undefined) {
    throw new UsageError(
      `the ending of ${output} names no format`,
      `Use one of ${Object.keys(formatsByEnding).join(' ')}, or name the format with --format ${exportFormats.join('|')}.`,
    );
  }
  if (delimiter !== undefined && chosen !== 'csv') throw new UsageError(`--delimiter is for CSV, not for ${chosen}`);
  if (bom && chosen !== 'csv' && chosen !== 'tsv') throw new UsageError(`--bom is for CSV and TSV, not for ${chosen}`);
  return chosen;
}
