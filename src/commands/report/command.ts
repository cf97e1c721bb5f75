import { type Command, Option } from 'commander';
import { helpText } from '../shared/help-text.ts';
import type { ReportFlags } from './run.ts';

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .summary('show the metrics of a run')
    .description(
      "Reads an output and reports the run's metrics: rates, tokens, latencies, errors by kind, slowest requests.",
    )
    .argument('<output>', 'the output of a run')
    .addOption(
      new Option('--format <format>', 'of the report').choices(['text', 'json', 'markdown', 'html']).default('text'),
    )
    .option('--json', 'the same as --format json', false)
    .addHelpText(
      'after',
      helpText([
        'llmbatch report questions.results.jsonl',
        'llmbatch report questions.results.jsonl --format html > report.html',
      ]),
    )
    .action(async (output: string, flags: ReportFlags) => {
      const { reportRun } = await import('./run.ts');
      await reportRun(output, flags);
    });
}
