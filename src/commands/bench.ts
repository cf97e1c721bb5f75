import type { Command } from 'commander';
import { type BenchFlags, addBenchFlags } from './bench-flags.ts';
import { helpText } from './exit-codes.ts';

export function addBenchCommand(program: Command, onExit: (code: number) => void): void {
  const command = program
    .command('bench')
    .summary('measure settings on your own requests, and keep the best')
    .description(
      'Measures how fast your own requests run with each setting (workers, engines, ways of sending, options), explains the result, and saves the best setting for `run --workers auto`. Every trial is saved as it ends. Exits 3 when a trial or a stability check fails.',
    )
    .argument('[input]', 'a JSONL or CSV file, or - (default: the bundled candidates)');
  addBenchFlags(command).addHelpText(
    'after',
    helpText([
      'llmbatch bench --workers 1,2,4,8',
      'llmbatch bench candidates.jsonl -m gemma-3-4b.gguf --workers 2,4,8 --budget 30m',
      'llmbatch bench candidates.jsonl --backends ollama:gemma3:4b,vllm:google/gemma-3-4b-it --project 170000',
      'llmbatch bench candidates.jsonl --sizes 5000 --batches 3 --workers 4',
      'llmbatch bench --resume',
    ]),
  );
  command.action(async (input: string | undefined, flags: BenchFlags) => {
    const { runBenchCommand } = await import('./run-bench-command.ts');
    onExit(await runBenchCommand(input ?? null, flags));
  });
}
