import { extname } from 'node:path';
import { UsageError } from '../../core/errors.ts';

export const exportFormats = ['csv', 'tsv', 'jsonl', 'json', 'markdown', 'parquet'] as const;
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
  '.parquet': 'parquet',
};

/** The format that the flags ask for. Throws a `UsageError` where the name of the file says none. */
export function formatFor(flags: ExportFlags): ExportFormat {
  const { format, output } = flags;
  const chosen = format ?? (output === '-' ? 'csv' : formatsByEnding[extname(output).toLowerCase()]);
  if (chosen === undefined) {
    throw new UsageError(
      `the ending of ${output} names no format`,
      `Use one of ${Object.keys(formatsByEnding).join(' ')}, or name the format with --format ${exportFormats.join('|')}.`,
    );
  }
  refuseUnfit(chosen, flags);
  return chosen;
}

function refuseUnfit(format: ExportFormat, { output, delimiter, bom }: ExportFlags): void {
  if (delimiter !== undefined && format !== 'csv') throw new UsageError(`--delimiter is for CSV, not for ${format}`);
  if (bom && format !== 'csv' && format !== 'tsv') throw new UsageError(`--bom is for CSV and TSV, not for ${format}`);
  if (format === 'parquet' && output === '-' && process.stdout.isTTY)
    throw new UsageError('Parquet cannot be shown on a terminal', 'Write it to a file, such as -o answers.parquet.');
}
