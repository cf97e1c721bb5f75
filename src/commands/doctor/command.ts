import type { Command } from 'commander';
import type { DoctorFlags } from './run.ts';
import { helpText } from '../shared/exit-codes.ts';
import { collectOption } from '../shared/parse-values.ts';

export function addDoctorCommand(program: Command, onExit: (code: number) => void): void {
  program
    .command('doctor')
    .summary('which engines are here, and what is set badly')
    .description(
      'Shows the engines that are here, what they can do, what is set badly and the setting that mends it. Probes an Ollama server with a few short requests, which takes seconds and loads a model where none is loaded. Exits 0 where an engine can be used, whatever the warnings; 4 where none can, or what --host or -m names can not.',
    )
    .option('--host <address>', 'the Ollama server, as OLLAMA_HOST would name it (default: what the environment says)')
    .option('-m, --model <model>', 'the model to probe with (default: the loaded one, else the smallest)')
    .option('--no-probe', 'send no request to a model')
    .option(
      '--option <key=value>',
      'a runner option of the probe, such as num_thread=1; repeatable: with those of a run in progress its model is not loaded anew',
      collectOption,
      {},
    )
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText(
      'after',
      helpText([
        'llmbatch doctor',
        'llmbatch doctor --host gpu-box:11434 -m gemma3:4b',
        'llmbatch doctor --json | jq \'.findings[] | select(.level != "hint")\'',
      ]),
    )
    .action(async (flags: DoctorFlags) => {
      const { runDoctor } = await import('./run.ts');
      onExit(await runDoctor(flags));
    });
}
