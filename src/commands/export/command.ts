import { type Command, InvalidArgumentError, Option } from 'commander';
import { helpText } from '../shared/help-text.ts';
import { type ExportFlags, exportFormats } from './flags.ts';

export function addExportCommand(program: Command): void {
  program
    .command('export')
    .summary('write the answers as a table: CSV, TSV, JSON, Markdown, Parquet')
    .description(
      'Writes the results of a run as a table with one row per request: its id, the fields of its row, the answer or the keys of its JSON, the error and the tokens. Failed requests are included, with an empty answer. Works during the run, and on the results of a hosted batch in the same format.',
    )
    .argument('<output>', 'the output of a run; - is standard input')
    .option('-o, --output <file>', 'file to write; its extension sets the format; - is stdout', '-')
    .addOption(
      new Option('--format <format>', 'of the table (default: from the extension of -o, else csv)').choices(
        exportFormats,
      ),
    )
    .option(
      '--fields <names>',
      'only these columns, in this order: columns of the table, or paths such as parsed.score, row.name, llmbatch.latency_ms, response.body.choices.0.message.content; separated by commas, repeatable',
      (names: string, earlier: string[] | undefined) => [
        ...(earlier ?? []),
        ...names.split(',').map((name) => name.trim()),
      ],
    )
    .option('--failed', 'only the requests that failed', false)
    .option('--delimiter <character>', 'of CSV; spreadsheets in many countries need ;', parseDelimiter)
    .option('--bom', 'start CSV or TSV with a byte order mark, so that Excel reads UTF-8', false)
    .option('--overwrite', 'replace an existing file', false)
    .addHelpText(
      'after',
      helpText([
        'llmbatch export people.results.jsonl -o people-answers.csv',
        'llmbatch export people.results.jsonl -o answers.parquet',
        'llmbatch export people.results.jsonl --fields id,name,score | head',
        "llmbatch export people.results.jsonl -o excel.csv --delimiter ';' --bom",
        'llmbatch export people.results.jsonl --failed --format markdown',
        'llmbatch merge batch_output.jsonl batch_errors.jsonl\n| llmbatch export - -o answers.csv',
      ]),
    )
    .action(async (output: string, flags: ExportFlags) => {
      const { exportResults } = await import('./run.ts');
      await exportResults(output, flags);
    });
}

function parseDelimiter(text: string): string {
  const character = text === String.raw`\t` ? '\t' : text;
  if (Array.from(character).length === 1 && !/["\r\n]/.test(character)) return character;
  throw new InvalidArgumentError("Expected one character, such as ';'.");
}
