import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../../core/errors.ts';
import { isRecord } from '../../data/is-record.ts';
import type { Cell } from '../../export/cells.ts';
import {
  type TableColumn,
  checkWidth,
  tableColumns,
  createSurvey,
  noteRecord,
  orderKeys,
} from '../../export/columns.ts';
import { pickFields } from '../../export/pick-fields.ts';
import { type ExportRecord, readExportRecord } from '../../export/read-record.ts';
import { type TextFormat, createCsv, createJson, createJsonl, createMarkdown } from '../../export/text-formats.ts';
import { findManifest } from '../../journal/manifest/find-manifest.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import { outputPathFor, pathsOf } from '../../journal/manifest/run-paths.ts';
import { type BestResults, openBestResults } from '../../journal/read-best-results.ts';
import type { RawLine } from '../../files/read-lines.ts';
import { formatInteger, quoteForShell } from '../../text/format.ts';
import { printJson, printText, tell } from '../shared/print.ts';
import { withScratchPaths } from '../shared/scratch-paths.ts';
import { writeStdout } from '../shared/write-stdout.ts';
import { type ExportFlags, type ExportFormat, formatFor } from './flags.ts';
import { writeTarget } from './write-target.ts';

/** Runs `llmbatch export`. */
export async function exportResults(output: string, flags: ExportFlags): Promise<void> {
  const format = formatFor(flags);
  if (output !== '-') return exportFile({ output, flags, format, isPiped: false });
  if (process.stdin.isTTY)
    throw new UsageError('standard input is a terminal', 'Pipe results into it, or name a file.');
  await withScratchPaths(async (paths) => {
    // Results are read more than once.
    await pipeline(process.stdin, createWriteStream(paths.output));
    await exportFile({ output: paths.output, flags, format, isPiped: true });
  });
}

type FileTask = Pick<Task, 'output' | 'flags' | 'format'> & { isPiped: boolean };

async function exportFile({ output, flags, format, isPiped }: FileTask): Promise<void> {
  const manifest = (await findManifest(pathsOf(output)).catch(() => null))?.manifest ?? null;
  let leftOut = 0;
  // A line without an end is one that a run is writing, or had to leave.
  const onLeftOut = ({ terminated, length }: RawLine): void => void (leftOut += terminated && length > 0 ? 1 : 0);
  const results = await openBestResults([output], { inputs: [manifest === null ? null : 0], onLeftOut }).catch(
    async (error: unknown) => {
      if (isPiped && error instanceof UsageError) throw new UsageError('standard input contains no results');
      throw (await isFile(outputPathFor(output))) ? ofInput(output) : error;
    },
  );
  try {
    if (results.count === 0) throw new UsageError(`${isPiped ? 'standard input' : output} contains no results yet`);
    const damaged = new Set<number>();
    await writeTable({ output, flags, format, manifest, results, damaged });
    tellLeftOut(leftOut + damaged.size);
    tellUnfinished(results.count - damaged.size, manifest);
  } finally {
    await results.close();
  }
}

/** The input was named in place of the output. */
const ofInput = (input: string): UsageError =>
  new UsageError(
    `${input} is not the output of a run`,
    `Its output is here: llmbatch export ${quoteForShell(outputPathFor(input))}`,
  );

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isFile() === true;

interface Task {
  output: string;
  flags: ExportFlags;
  format: ExportFormat;
  manifest: Manifest | null;
  results: BestResults;
  /** Which of the results are no JSON. */
  damaged: Set<number>;
}

async function writeTable({ output, flags, format, manifest, results, damaged }: Task): Promise<void> {
  const records = createReader(results, damaged, flags.failed);
  const survey = createSurvey(flags.fields !== undefined);
  for await (const record of records()) noteRecord(survey, record);
  orderKeys(survey, keysOfSchema(manifest));
  const all = tableColumns(survey);
  if (flags.fields === undefined) checkWidth(all);
  const columns = flags.fields === undefined ? all : pickFields(flags.fields, all, survey);
  const counts = { rows: 0, failed: 0 };
  const write = async (send: Send): Promise<boolean> => {
    const table = { names: columns.map(({ name }) => name), rows: cellsOf(columns, counted(records(), counts)) };
    if (format !== 'parquet') return writeText(renderRows(textFormats[format](table.names, flags), table.rows), send);
    const { findTypes, writeParquet } = await import('../../export/parquet.ts');
    return writeParquet({ ...table, types: await findTypes(columns.length, cellsOf(columns, records())) }, send);
  };
  const isWhole =
    flags.output === '-'
      ? await write(sendTo(format))
      : await writeTarget(output, flags, manifest, (draft) => write((data) => draft.appendFile(data).then(() => true)));
  if (isWhole) tell(describe(counts, flags.output));
}

/** The keys of the answers in the order of the run's `--schema`; none where it had none. */
function keysOfSchema(manifest: Manifest | null): string[] {
  const properties = manifest?.settings.schema?.['properties'];
  return isRecord(properties) ? Object.keys(properties) : [];
}

function describe({ rows, failed }: { rows: number; failed: number }, target: string): string {
  const ofThem = failed === 0 ? '' : `, ${formatInteger(failed)} of them failed`;
  return `${formatInteger(rows)} ${rows === 1 ? 'row' : 'rows'}${ofThem}, to ${target === '-' ? 'stdout' : target}`;
}

type Send = (data: string | Buffer) => Promise<boolean>;

const textFormats: Record<Exclude<ExportFormat, 'parquet'>, (names: string[], flags: ExportFlags) => TextFormat> = {
  csv: (names, { delimiter = ',', bom }) => createCsv(names, delimiter, bom),
  tsv: (names, { bom }) => createCsv(names, '\t', bom),
  jsonl: createJsonl,
  json: createJson,
  markdown: createMarkdown,
};

/** A terminal would act on what models write; to a pipe the bytes go as they are. */
function sendTo(format: ExportFormat): Send {
  if (!process.stdout.isTTY) return writeStdout;
  return format === 'json' || format === 'jsonl'
    ? (data) => printJson(data.toString())
    : (data) => printText(data.toString());
}

/** Makes a function that reads all records. Its first reading finds which lines are damaged, and all leave them out. */
function createReader(results: BestResults, damaged: Set<number>, onlyFailed: boolean) {
  let isChecked = false;
  return async function* readRecords(): AsyncGenerator<ExportRecord> {
    let index = 0;
    for await (const bytes of results.read()) {
      const line = bytes.toString('utf8');
      if (!isChecked && !isJson(line)) damaged.add(index);
      if (damaged.has(index++)) continue;
      const record = readExportRecord(line);
      if (!onlyFailed || record.failure !== null) yield record;
    }
    isChecked = true;
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function* counted(
  records: AsyncIterable<ExportRecord>,
  counts: { rows: number; failed: number },
): AsyncGenerator<ExportRecord> {
  for await (const record of records) {
    counts.rows++;
    if (record.failure !== null) counts.failed++;
    yield record;
  }
}

async function* cellsOf(columns: readonly TableColumn[], records: AsyncIterable<ExportRecord>): AsyncGenerator<Cell[]> {
  for await (const record of records) yield columns.map(({ cellOf }) => cellOf(record));
}

async function* renderRows({ head, row, foot }: TextFormat, rows: AsyncIterable<Cell[]>): AsyncGenerator<string> {
  yield head;
  let index = 0;
  for await (const cells of rows) yield row(cells, index++);
  yield foot;
}

const blockLength = 256 * 1024;

/** Writes texts in blocks. False where the reader has gone. */
async function writeText(texts: AsyncIterable<string>, send: Send): Promise<boolean> {
  let block = '';
  for await (const text of texts) {
    block += text;
    if (block.length < blockLength) continue;
    if (!(await send(block))) return false;
    block = '';
  }
  return send(block);
}

function tellLeftOut(count: number): void {
  if (count > 0)
    tell(`skipped, because they are damaged or not results: ${formatInteger(count)} ${count === 1 ? 'line' : 'lines'}`);
}

function tellUnfinished(count: number, manifest: Manifest | null): void {
  const total = manifest?.summary?.progress.total ?? 0;
  const left = total - count;
  if (left > 0) tell(`${formatInteger(left)} of ${formatInteger(total)} have no result yet`);
}
