import type { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { addPlaceFlags, clusterFlags, longFlag, serverFlags } from '../shared/connection/flags.ts';
import { noteFlags } from '../shared/given-flags.ts';
import { helpText } from '../shared/help-text.ts';
import { collectOption } from '../shared/parse-values.ts';
import type { DoctorFlags } from './run.ts';

const doctorCodes = `
Exit codes:
  0  an engine can be used
  1  a bug in llmbatch
  2  usage
  4  no engine can be used, or not the one that is named
  129, 130, 143  interrupted: terminal closed, Ctrl-C, SIGTERM`;

export function addDoctorCommand(
  program: Command,
  backends: readonly BackendDefinition[],
  onExit: (code: number) => void,
): void {
  const probing = backends.filter(({ doctor }) => doctor?.probe !== undefined);
  const probes = probing.flatMap(({ doctor }) => doctor?.probe ?? []);
  const examined = backends.filter(({ doctor }) => doctor !== undefined);
  const naming = [...serverFlags(examined), ...clusterFlags(examined)]
    .map(longFlag)
    .concat('--servers', '-m')
    .join(', ');
  const command = program
    .command('doctor')
    .summary('show which engines are here and which settings are wrong')
    .description(
      `Shows the engines on this machine, what they can do, which settings are wrong and how to fix them. ${probes.map(({ description }) => description).join(' ')} The exit code is 0 if an engine can be used, even with warnings. It is 4 if no engine can be used, or if something that you name (${naming}) cannot be used.`,
    );
  addPlaceFlags(command, examined)
    .option(
      '-m, --model <model>',
      'the model to look for and to test with (default: the loaded one, else the smallest)',
    )
    .option('--no-probe', 'send no request to a model')
    .option('--option <key=value>', probes.map(({ option }) => option).join('; '), collectOption, {})
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText(
      'after',
      helpText(
        [
          'llmbatch doctor',
          'llmbatch doctor --host gpu-box:11434 -m gemma3:4b',
          'llmbatch doctor --base-url http://box-1:8000/v1\n--base-url http://box-2:8000/v1',
          'llmbatch doctor --json | jq \'.findings[] | select(.level != "hint")\'',
        ],
        doctorCodes,
      ),
    );
  const given = noteFlags(command, backends);
  command.action(async (flags: Omit<DoctorFlags, 'given'>) => {
    const { runDoctor } = await import('./run.ts');
    onExit(await runDoctor({ ...flags, given: given() }, backends));
  });
}
