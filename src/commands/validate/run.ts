import { exitCodes } from '../../core/errors.ts';
import { formatCounted, formatInteger } from '../../text/format.ts';
import { type BatchRequest, isRejected, systemPromptOf, textOf } from '../../core/request.ts';
import type { AnswerSettings } from '../../core/settings.ts';
import type { FoundTable } from '../../input/csv/csv-rows.ts';
import { type MisspeltKey, createMisspeltKeys, describeMisspelt } from '../../input/misspelt-keys.ts';
import { readItems } from '../../input/read-items.ts';
import type { InputForm } from '../../input/source/look.ts';
import type { RunPaths } from '../../journal/manifest/run-paths.ts';
import { type GivenFlag, commandLine } from '../../text/command-line.ts';
import { printable } from '../../text/printable.ts';
import { type RunInput, readInput } from '../../run/read-input.ts';
import { answerSettings } from '../shared/build-request.ts';
import type { RequestFlags } from '../shared/run-flags.ts';
import { withScratchPaths } from '../shared/scratch-paths.ts';
import { createBadLines } from './bad-lines.ts';
import { printJsonObject, printWrapped, tell } from '../shared/print.ts';

export interface ValidateFlags extends RequestFlags {
  json: boolean;
  given: readonly GivenFlag[];
}

/** `llmbatch validate`. Returns the exit code. */
export function validateInput(path: string, flags: ValidateFlags): Promise<number> {
  return withScratchPaths((paths) => validate(path, flags, paths));
}

async function validate(path: string, flags: ValidateFlags, paths: RunPaths): Promise<number> {
  const bad = createBadLines(flags.json);
  const longest = createLongest();
  const misspelt = createMisspeltKeys();
  const settings = withAnyModel(await answerSettings(flags));
  const add = (request: BatchRequest): void => {
    longest.add(request);
    // What fills a template is data, whatever it is called.
    if (settings.promptTemplate === null) misspelt.add(request);
  };
  const startedAt = performance.now();
  const input = await readInput(
    { input: path, spool: null, paths, settings, given: flags.given },
    {
      host: { stdin: process.stdin, stop: new AbortController().signal, notify: ({ text }) => tell(text) },
      previous: null,
      listeners: { onRejected: bad.add, onRequest: add },
    },
  );
  try {
    await input.completed;
    const report = await reportOf(input, {
      seconds: (performance.now() - startedAt) / 1000,
      isModelOpen: settings.model === null,
    });
    const whole = { input: path, ...report, longest: longest.list, misspelt_keys: misspelt.list() };
    await bad.flush();
    const hint = bad.looksLikeCsv()
      ? 'The first line looks like the header of a CSV: add --format csv\n'
      : nextStep(whole, flags.given);
    if (flags.json) await printJsonObject({ ...whole, bad_lines: bad.lines });
    else await printWrapped(`${renderReport(whole)}${hint}`);
    return report.rejected > 0 ? exitCodes.usage : exitCodes.ok;
  } finally {
    await input.close();
  }
}

/** Stands for the model of lines that name none. That `-m` is missing is no fault of theirs. */
const anyModel = 'MODEL';

const withAnyModel = (settings: AnswerSettings): AnswerSettings =>
  settings.model === null ? { ...settings, parameters: { model: anyModel, ...settings.parameters } } : settings;

/** The command that runs an input in which nothing is wrong. */
function nextStep({ input, rejected, requests, needs_model: needsModel }: Report, given: readonly GivenFlag[]): string {
  if (rejected > 0 || requests === 0) return '';
  const flags = given.filter(({ isOfRequests }) => isOfRequests);
  return `Run it with: ${input === '-' ? '... | ' : ''}${commandLine(['llmbatch', 'run', input, ...(needsModel ? ['-m', anyModel] : [])], flags)}\n`;
}

interface LongPrompt {
  line: number;
  id: string;
  characters: number;
}

const longestKept = 5;

/** The longest prompts, in characters: only an engine could count tokens. */
function createLongest() {
  const list: LongPrompt[] = [];
  return {
    list,
    add: (request: BatchRequest): void => {
      const characters = promptLength(request);
      if (list.length === longestKept && characters <= (list.at(-1)?.characters ?? 0)) return;
      list.push({ line: request.line, id: request.id, characters });
      list.sort((left, right) => right.characters - left.characters);
      list.length = Math.min(list.length, longestKept);
    },
  };
}

function promptLength({ body }: BatchRequest): number {
  if (body.messages === undefined) return (body.prompt ?? String(body.input)).length;
  return body.messages.reduce((sum, { content }) => sum + textOf(content ?? null).length, 0);
}

interface Report {
  input: string;
  form: InputForm;
  /** Of a table. */
  table: FoundTable | null;
  lines: number;
  requests: number;
  rejected: number;
  models: readonly string[];
  /** There are lines that name no model, and -m is not given. */
  needs_model: boolean;
  system_prompts: { count: number; largest: { requests: number; characters: number; starts: string }[] };
  longest: LongPrompt[];
  misspelt_keys: MisspeltKey[];
  bytes: number;
  sha256: string;
  /** Null where it was read too fast to tell. */
  megabytes_per_second: number | null;
}

/** What took less time than that says nothing of the speed. */
const minSeconds = 0.2;
/** Nor does a smaller file, of which most of the time goes to its opening. */
const minBytes = 1_000_000;

async function reportOf(
  input: RunInput,
  { seconds, isModelOpen }: { seconds: number; isModelOpen: boolean },
): Promise<Omit<Report, 'input' | 'longest' | 'misspelt_keys'>> {
  const { scan } = input;
  const needsModel = isModelOpen && scan.models.includes(anyModel);
  const { bytes = 0, sha256 = '' } = input.identity() ?? {};
  return {
    form: input.form,
    table: input.table(),
    ...scan.counts,
    models: needsModel ? scan.models.filter((model) => model !== anyModel) : scan.models,
    needs_model: needsModel,
    system_prompts: { count: scan.groups.length, largest: await largestGroups(input) },
    bytes,
    sha256,
    megabytes_per_second: seconds < minSeconds || bytes < minBytes ? null : Math.round(bytes / seconds / 1e5) / 10,
  };
}

async function largestGroups({ handle, scan }: RunInput): Promise<Report['system_prompts']['largest']> {
  const largest = scan.groups.toSorted((left, right) => right.requests - left.requests).slice(0, longestKept);
  const found = [];
  for (const { firstRow, requests, systemPromptLength } of largest) {
    for await (const [item] of readItems(handle, scan, [firstRow])) {
      const system = item === undefined || isRejected(item.read) ? '' : systemPromptOf(item.read.body);
      found.push({ requests, characters: systemPromptLength, starts: system.slice(0, 60) });
    }
  }
  return found;
}

function renderReport(report: Report): string {
  const { megabytes_per_second: speed, longest } = report;
  const rows = [
    ...report.misspelt_keys.map(
      (key) => `warning: ${describeMisspelt(key, `${formatCounted(key.requests, 'request')}, `)}`,
    ),
    `${printable(report.input)}: ${formatCounted(report.requests, 'request')}, ${formatCounted(report.rejected, 'rejected line')}`,
    `form: ${describeForm(report)}`,
    `models: ${modelsText(report)}`,
    ...systemPromptRows(report),
    ...(longest.length === 0 ? [] : ['longest prompts:']),
    ...longest.map(
      ({ line, id, characters }) => `  line ${line}, ${printable(id)}: ${formatCounted(characters, 'character')}`,
    ),
    `${formatCounted(report.bytes, 'byte')}${speed === null ? '' : `, read at ${speed} MB/s`}`,
  ];
  return `${rows.join('\n')}\n`;
}

function modelsText({ models, needs_model: needsModel }: Report): string {
  const missing = needsModel ? ['for lines that name none, run needs -m MODEL'] : [];
  return printable([models.join(', '), ...missing].filter(Boolean).join('; ')) || 'none';
}

const formNames: Record<InputForm, string> = {
  jsonl: 'JSONL',
  array: 'a JSON array',
  objects: 'JSON objects over several lines',
  csv: 'CSV',
  tsv: 'TSV',
  text: 'plain text, one prompt a line',
  parquet: 'Parquet',
};

const maxColumns = 12;

/** CSV with ; (3 columns: id, text, label) */
function describeForm({ form, table }: Report): string {
  if (table === null) return formNames[form];
  const { delimiter, columns } = table;
  const more = columns.length > maxColumns ? ', ...' : '';
  const names = printable(columns.slice(0, maxColumns).join(', ')) + more;
  const mark = delimiter === '\t' ? 'tabs' : printable(delimiter);
  return `${formNames[form]} with ${mark} (${formatCounted(columns.length, 'column')}: ${names})`;
}

function systemPromptRows({ system_prompts: { count, largest } }: Report): string[] {
  if (count === 0 || (count === 1 && largest[0]?.characters === 0)) return ['system prompts: none'];
  const rows = largest.map(({ requests, characters, starts }) => {
    const prompt = `${formatCounted(characters, 'character')}: ${printable(JSON.stringify(starts))}`;
    return `  ${formatCounted(requests, 'request')}, ${characters === 0 ? 'without one' : prompt}`;
  });
  return [`system prompts: ${formatInteger(count)}`, ...rows];
}
