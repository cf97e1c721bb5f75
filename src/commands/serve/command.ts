import { Command, InvalidArgumentError } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import type { ModelRoute } from '../../serve/serve-options.ts';
import { addConnectionFlags } from '../shared/connection/flags.ts';
import { helpText } from '../shared/help-text.ts';
import { parseSize } from '../shared/parse-values.ts';
import { addAnswerFlags, addRunnerFlags } from '../shared/run-flags.ts';
import type { ServeFlags } from './run.ts';

const defaultHost = '127.0.0.1';

/** Flags of a run that mean the same for every batch; what else shapes an answer stands in the lines. */
const runFlags = [
  '--backend',
  '--model',
  '--option',
  '--workers',
  '--chat-template',
  '--control-tokens',
  '--allow-empty-answers',
  '--allow-repetition',
  '--vram-limit',
  '--retries',
  '--timeout',
  '--stall-timeout',
  '--drain-timeout',
];

export function addServeCommand(
  program: Command,
  backends: readonly BackendDefinition[],
  onExit: (code: number) => void,
): void {
  const command = program
    .command('serve')
    .summary("provide the OpenAI Batch API for this machine's engine")
    .description(
      "Provides the OpenAI Batch API (/v1/files, /v1/batches) for this machine's engine. Programs that use this API only need a new base URL. Each batch is a run with its files in the folder: after a crash, each batch continues, and finished requests are not sent again. A web page at / shows and controls the batches.",
    )
    .option('--listen <address>', 'host:port, or a port alone (default: 127.0.0.1:4080)', parseListen)
    .option('--dir <folder>', 'folder for files and batches (default: serve in the state folder)')
    .option(
      '--route <glob=backend>',
      'the engine for models whose names match, such as "gemma*=..."; repeatable, the first match is used',
      collectRoute,
      [],
    )
    .option('--lenient', 'an invalid line fails alone instead of its whole batch', false)
    .option('--max-file-bytes <size>', 'maximum size of an upload: bytes, 500MB, 2GiB (default: 200MB)', parseBytes);
  addRunFlags(command, backends).addHelpText(
    'after',
    helpText([
      'llmbatch serve -m gemma-3-4b.gguf',
      'llmbatch serve --listen 127.0.0.1:4080 --dir /var/lib/llmbatch\n--max-file-bytes 2GB',
      'LLMBATCH_API_KEY=... llmbatch serve --listen 0.0.0.0:4080',
      'curl http://127.0.0.1:4080/v1/files -F purpose=batch -F file=@requests.jsonl',
    ]),
  );
  command.action(async (flags: ServeFlags) => {
    const { runServe } = await import('./run.ts');
    onExit(await runServe(flags, backends));
  });
}

/** The flags that a server takes for all its batches, and where the engines are. */
function addRunFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  const { options } = addRunnerFlags(addAnswerFlags(new Command(), backends), backends);
  for (const flag of runFlags) {
    const option = options.find(({ long }) => long === flag);
    if (option !== undefined) command.addOption(option);
  }
  return addConnectionFlags(command, backends);
}

/** `127.0.0.1:4080`, `[::1]:4080`, `:4080`, `4080`. */
function parseListen(text: string): NonNullable<ServeFlags['listen']> {
  const [, , host, port] = /^((\[[\da-f:.]+\]|[^:[\]\s]*):)?(\d{1,5})$/i.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new InvalidArgumentError('Expected host:port, such as 127.0.0.1:4080.');
  }
  return { host: host?.replaceAll(/[[\]]/g, '') || defaultHost, port: Number(port) };
}

function collectRoute(text: string, known: ModelRoute[]): ModelRoute[] {
  const at = text.lastIndexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Expected glob=backend.');
  return [...known, { glob: text.slice(0, at), backend: text.slice(at + 1) }];
}

/** `200000000`, `200MB`, `2GiB`. */
const parseBytes = (text: string): number => (/^[1-9]\d*$/.test(text) ? Number(text) : parseSize(text));
