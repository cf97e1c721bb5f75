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

const exitCodesText = `What a script can go by. An exit code that is not in this list is a failure.
${exitCodesHelp}

After 4, 129, 130 and 143 nothing is lost: llmbatch resume goes on.
After 3 the summary and llmbatch report say which requests failed and why, and name
the command that tries them again.
After 5 the message says what to do; what was acknowledged is on disk.
With --json an error is one JSON object on stderr:
  {"error":{"type","message","hint","exit_code"}}
`;

function exitCodes(): string {
  return exitCodesText;
}

const formatsText = `Input: JSONL, a JSON array, indented JSON objects, CSV, TSV, Parquet, or text with a
prompt a line (--format text); gzip of any of them. What it is is found by its name
and its first bytes. Each record is one of:

  {"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{...}}
                                    a line of an OpenAI Batch
  {"id":"a","messages":[...]}       a chat; keys beside it: model, temperature, ...
  {"id":"a","prompt":"...","system":"..."}
  {"name":"Ann","city":"Bonn"}      a row, or a row of a table: its fields fill
                                    --prompt-template "Greet {{name}} of {{city}}"

Output: JSONL, a result a line in the shape of OpenAI's Batch API, with what is not
in that shape under "llmbatch". llmbatch export makes a table of it: CSV, TSV, JSONL,
JSON, Markdown or Parquet, by the ending of the name.

Values of flags:
  a duration    500ms, 2s, 5m, 1h
  a size        500MB, 14GiB
  a share       0.2, 20%
  a text        as it is, or @file for what is in a file

What --json prints is one object with "schema_version": 1. Keys may be added to it;
the version changes where a key goes away or gets another meaning.
`;

function formats(): string {
  return formatsText;
}

/** The variables that no engine declares. */
const ownVariables = [
  ['LLMBATCH_...', 'each flag of run, such as LLMBATCH_MAX_TOKENS: llmbatch help settings'],
  ['XDG_CONFIG_HOME', 'where your own settings are: llmbatch/llmbatch.json in it; default: ~/.config'],
  ['XDG_STATE_HOME', 'where runs to stdout, started runs and saved bench results are kept; default: ~/.local/state'],
  ['NO_COLOR', 'no colours'],
] as const;

/** What a key is for, by what the flag names that it goes with. */
const keyUses = {
  server: 'key of the server',
  program: 'key that the program reads',
  devices: 'key of the devices',
  cluster: 'key that goes to the cluster',
};

function environment(backends: readonly BackendDefinition[]): string {
  const flags = connectionFlags(backends);
  const rows = [
    ...flags.flatMap((flag) =>
      flag.variable === undefined ? [] : [[flag.variable, `${longFlag(flag)}, where that flag is not given`]],
    ),
    ...flags.flatMap((flag) =>
      (flag.secrets ?? []).map((secret) => [secret, `${keyUses[flag.names]} (${longFlag(flag)})`]),
    ),
    ...ownVariables,
  ];
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return [
    'Variables of the environment:',
    '',
    ...rows.map(([name = '', meaning]) => `  ${name.padEnd(width)}  ${meaning}`),
    '',
    'Keys are read from the environment only. No file that llmbatch writes holds one.',
    '',
  ].join('\n');
}

const settingsText = `A new run (run, bench, validate, doctor) takes its settings, in this order, from

  1. flags                          --max-tokens 200
  2. variables                      LLMBATCH_MAX_TOKENS=200
  3. --preset NAME                  of llmbatch.json
  4. defaults of llmbatch.json      in this folder, or the nearest one above
  5. defaults of your own           $XDG_CONFIG_HOME/llmbatch/llmbatch.json
                                    (~/.config/llmbatch/llmbatch.json)

  {
    "defaults": {"model": "gemma3:4b", "max_tokens": 300, "option": {"num_ctx": 8192}},
    "presets": {"draft": {"limit": 50, "system": "@rubric.txt"}}
  }

Keys are the long flags of run with _ for -, but for -o, --overwrite and --allow-drift.
Flags that are given several times are lists, and those of key=value objects. Paths are
as seen from the file. The keys of option are taken one by one, all else as a whole.

A file of a folder, which others may have written, never says what is executed (python,
on_end, options that name programs), reads no file outside of its folder, and gets no
key for a server that it names. No file holds a key.

A resume has the settings that its run was started with; only flags change them.
llmbatch config shows what counts here, and where it comes from.
`;

function settings(): string {
  return settingsText;
}
