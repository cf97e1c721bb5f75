import { Command, CommanderError } from 'commander';
import { backends as allBackends } from './backends/index.ts';
import { addBackendsCommand } from './commands/backends/command.ts';
import { addConvertCommand } from './commands/convert/command.ts';
import { addBenchCommand } from './commands/bench/command.ts';
import { addCompletionCommand } from './commands/completion/command.ts';
import { addConfigCommand } from './commands/config/command.ts';
import { describeError } from './commands/shared/describe-error.ts';
import { addDoctorCommand } from './commands/doctor/command.ts';
import { addExportCommand } from './commands/export/command.ts';
import { hintAtExport } from './commands/export/hint.ts';
import { arrangeHelp } from './commands/shared/help/arrange-help.ts';
import { helpText } from './commands/shared/help-text.ts';
import { addHelpCommand } from './commands/help/command.ts';
import { addMergeCommand } from './commands/merge/command.ts';
import { addPauseCommand } from './commands/pause/command.ts';
import { asMessage, tell, tellJson, wrapped } from './commands/shared/print.ts';
import { addReportCommand } from './commands/report/command.ts';
import { addResumeCommand } from './commands/resume/command.ts';
import { addRunCommand } from './commands/run/command.ts';
import { addServeCommand } from './commands/serve/command.ts';
import { addSetCommand } from './commands/set/command.ts';
import { addStatusCommand } from './commands/status/command.ts';
import { addValidateCommand } from './commands/validate/command.ts';
import type { BackendDefinition } from './core/backend.ts';
import { JournalError, LlmbatchError, UsageError, codeOf, exitCodes, systemReason } from './core/errors.ts';
import { jsonVersion } from './text/snake-keys.ts';
import { version } from './files/version.ts';

/**
 * Runs a command line, and sets the exit code of the process. `backends` are the engines that there are; the default:
 * those that come with the package.
 */
export async function main(
  argv: readonly string[],
  { backends = allBackends }: { backends?: readonly BackendDefinition[] } = {},
): Promise<void> {
  // A reader of stderr that is gone is no reason to stop the work.
  process.stderr.on('error', () => {});
  // Commander writes help to `process.stdout`; data goes by `writeStdout`. A reader that has seen enough is no error.
  process.stdout.on('error', (error) => {
    if (codeOf(error) !== 'EPIPE') process.exitCode = tellEnd(stdoutError(error), argv.includes('--json'));
  });
  try {
    checkFolder();
    const program = createProgram(backends).hook('preAction', async (_program, command) => {
      const { takeSettings } = await import('./commands/shared/settings/take-settings.ts');
      takeSettings(command, backends);
    });
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = tellEnd(error, argv.includes('--json'));
  }
}

const stdoutError = (error: unknown): JournalError => new JournalError(`can't write to stdout: ${systemReason(error)}`);

/** Paths mean nothing in a folder that was deleted under the shell. */
function checkFolder(): void {
  try {
    process.cwd();
  } catch {
    throw new UsageError('the current folder does not exist any more', 'Change to one that does.');
  }
}

const onExit = (code: number): void => {
  process.exitCode = code;
};

function createProgram(backends: readonly BackendDefinition[]): Command {
  const program = new Command('llmbatch')
    .description(
      'Runs LLM requests, lines of a JSONL or rows of a CSV, through a local engine. The output is the checkpoint.',
    )
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({
      outputError: (text, write) =>
        write(`${wrapped(asMessage(hintAtExport(text.trimEnd().replace(/^error:/, 'Error:'))))}\n`),
    })
    .showHelpAfterError('(add --help for the flags)')
    .addHelpText(
      'after',
      helpText([
        'llmbatch run questions.jsonl',
        'llmbatch run people.csv -m gemma-3-4b.gguf\n--prompt-template "Candidate: {{name}}, {{skills}}"',
        'llmbatch export people.results.jsonl -o people-answers.csv',
        'llmbatch resume',
        'cat questions.jsonl | llmbatch run - | jq .',
        'llmbatch validate questions.jsonl',
      ]),
    );
  addRunCommand(program, backends, onExit);
  addResumeCommand(program, backends, onExit);
  addBenchCommand(program, backends, onExit);
  addServeCommand(program, backends, onExit);
  addValidateCommand(program, backends, onExit);
  addDoctorCommand(program, backends, onExit);
  addStatusCommand(program);
  addPauseCommand(program);
  addSetCommand(program);
  addReportCommand(program);
  addExportCommand(program);
  addMergeCommand(program, onExit);
  addConvertCommand(program, backends, onExit);
  addBackendsCommand(program, backends);
  addConfigCommand(program, backends);
  addCompletionCommand(program, backends);
  addHelpCommand(program, backends);
  arrangeHelp(program);
  // Its commands have taken over the other text.
  return program.showHelpAfterError('(llmbatch --help shows the commands)');
}

/** Says what went wrong, on stderr, and what to do about it. Returns the exit code. */
function tellEnd(error: unknown, asJson: boolean): number {
  // Commander has said it already; help and version come here too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof LlmbatchError) {
    const { message, hint, exitCode } = error;
    if (asJson)
      tellJson({
        schema_version: jsonVersion,
        error: { type: error.name, message, hint: hint ?? null, exit_code: exitCode },
      });
    else describeError(error).forEach(tell);
    return exitCode;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  tell(`This is a bug in llmbatch, please report it:\n${stack}`);
  return exitCodes.bug;
}
