import type { BackendDefinition } from '../../core/backend.ts';
import { connectionFlags, longFlag } from '../shared/connection/flags.ts';
import { exitCodesHelp } from '../shared/help-text.ts';

type Topic = (backends: readonly BackendDefinition[]) => string;

/** The pages of `llmbatch help` that are not about one command, by their names. */
export const topics: ReadonlyMap<string, Topic> = new Map<string, Topic>([
  ['exit-codes', exitCodes],
  ['formats', formats],
  ['environment', environment],
  ['settings', settings],
]);

const exitCodesText = `Scripts can rely on these exit codes. Any other exit code is a failure.
${exitCodesHelp}

After 4, 129, 130 and 143 nothing is lost: llmbatch resume continues the run.
After 3, the summary and llmbatch report show which requests failed and why, and
name the command that tries them again.
After 5, the message says what to do. Finished results are on disk.
With --json, an error is one JSON object on stderr:
  {"error":{"type","message","hint","exit_code"}}
`;

function exitCodes(): string {
  return exitCodesText;
}

const formatsText = `Input: JSONL, a JSON array, indented JSON objects, CSV, TSV, Parquet, or text
with one prompt per line (--format text). All but Parquet may be compressed with
gzip. The format is detected from the name and the first bytes. Each record is
one of:

  {"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{...}}
                                  a line of an OpenAI Batch
  {"id":"a","messages":[...]}     a chat; keys beside it: model, max_tokens ...
  {"id":"a","prompt":"...","system":"..."}
  {"name":"Ann","city":"Bonn"}    a row, or a row of a table: its fields fill
                                  --prompt-template "Greet {{name}} of {{city}}"

Output: JSONL, one result per line in the format of OpenAI's Batch API, with
additional values under "llmbatch". llmbatch export converts it to a table: CSV,
TSV, JSONL, JSON, Markdown or Parquet, depending on the file extension.

Values of flags:
  a duration    500ms, 2s, 5m, 1h
  a size        500MB, 14GiB
  a share       0.2, 20%
  a text        the text itself, or @file for the text of a file

--json prints one object with "schema_version": 1. New keys may be added at any
time. The version changes if a key is removed or changes its meaning.
`;

function formats(): string {
  return formatsText;
}

/** The variables that no engine declares. */
const ownVariables = [
  ['LLMBATCH_...', 'a flag of run, such as LLMBATCH_MAX_TOKENS:\nsee llmbatch help settings'],
  ['XDG_CONFIG_HOME', 'folder of your own settings, in llmbatch/llmbatch.json\n(default: ~/.config)'],
  ['XDG_STATE_HOME', 'folder of runs to stdout, the list of runs and saved bench\nresults (default: ~/.local/state)'],
  ['NO_COLOR', 'no colours'],
] as const;

/** What a key is for, by what the flag names that it goes with. */
const keyUses = {
  server: 'key of the server',
  program: 'key that the program can read',
  devices: 'key of the devices',
  cluster: 'key that is sent to the cluster',
};

function environment(backends: readonly BackendDefinition[]): string {
  const flags = connectionFlags(backends);
  const rows = [
    ...flags.flatMap((flag) =>
      flag.variable === undefined ? [] : [[flag.variable, `used if ${longFlag(flag)} is not given`]],
    ),
    ...flags.flatMap((flag) =>
      (flag.secrets ?? []).map((secret) => [secret, `${keyUses[flag.names]} (${longFlag(flag)})`]),
    ),
    ...ownVariables,
  ];
  const width = Math.max(...rows.map(([name = '']) => name.length));
  const continued = `\n${' '.repeat(width + 4)}`;
  return [
    'Environment variables:',
    '',
    ...rows.map(([name = '', meaning = '']) => `  ${name.padEnd(width)}  ${meaning.replaceAll('\n', continued)}`),
    '',
    'Keys are read only from environment variables. llmbatch writes no key to any',
    'file.',
    '',
  ].join('\n');
}

const settingsText = `A new run (run, bench, validate, doctor) takes each setting from the first of
these that has it:

  1. flags                          --max-tokens 200
  2. variables                      LLMBATCH_MAX_TOKENS=200
  3. --preset NAME                  a preset of llmbatch.json
  4. defaults of llmbatch.json      in this folder, or the nearest one above
  5. your own defaults              $XDG_CONFIG_HOME/llmbatch/llmbatch.json
                                    (~/.config/llmbatch/llmbatch.json)

  {
    "defaults": {"model": "gemma3:4b", "option": {"num_ctx": 8192}},
    "presets": {"draft": {"limit": 50, "system": "@rubric.txt"}}
  }

Keys are the long flags of run, with _ instead of -, except -o, --overwrite and
--allow-drift. Repeatable flags are lists, and flags of key=value are objects.
Paths are relative to the file. The keys of option are merged; other values
replace each other.

Others may have written the file of a folder. Such a file cannot set what is
executed (python, on_end, options that name programs), cannot read files outside
its folder, and gets no key for a server that it names. Keys for servers cannot
be in any file.

A resume keeps the settings that its run was started with. Only flags change
them. llmbatch config shows the settings that apply here, and where they come
from.
`;

function settings(): string {
  return settingsText;
}
