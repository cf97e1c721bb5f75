import { mkdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createCliFolder } from '../helpers/run-cli.ts';

const files: Record<string, string> = {
  'in.jsonl': '{"prompt":"a"}\n',
  'bad.jsonl': '{"prompt":5}\n',
  'cut.json': '{"type":"objec"',
  'type.json': '{"type":"objekt"}',
  'bound.json': '{"properties":{"a":{"minimum":"x"}}}',
  'keys.jsonl': '{"base":"x"}\n',
  'words.jsonl': 'nonsense\n',
  'people.csv': 'name,city\nAnn,Ulm\n',
  'p.parquet': 'PAR1garbagePAR1',
};

/** Command lines that fail, and a part of what they say; with the model mock where they name none. */
const mistakes: [command: string, says: string][] = [
  [
    'run in.jsonl --option latency_ms=x',
    `--option latency_ms can't be "x": it must be a number\nlatency_ms: time for an answer`,
  ],
  ['run in.jsonl --option slots=1.5', "can't be 1.5: it must be a whole number"],
  ['run in.jsonl --option fault_rate=2', "can't be 2: it must be at most 1"],
  ['run in.jsonl --option answer=what', 'it must be echo, hash, score, or text:<answer>'],
  ['run in.jsonl -b ollama --option keep_alive=what', 'it must be seconds, or a duration such as 10m'],
  ['run in.jsonl -b ollama --option num_ctx=0', "can't be 0: it must be at least 1"],
  ['run in.jsonl -b llama-cpp --option threads=x', 'it must be a number'],
  ['run in.jsonl -b openai --option nosuch=x', 'has no option "nosuch"'],
  ['run nosuch.jsonl', 'no such file'],
  ['run poeple.csv', 'Did you mean people.csv? Nothing was run.'],
  ['run n.jsonl', 'Check the path; nothing was run.'],
  ['run folder', 'is a folder'],
  ['run bad.jsonl', '"prompt" is a number, not a text'],
  ['run people.csv --prompt-template {{town}}', 'no field "town"; the row has: name, city'],
  ['run p.parquet --prompt-template {{a}}', 'broken Parquet file'],
  ['run in.jsonl --schema nosuch.json', 'there is no such file'],
  ['run in.jsonl --schema boud.json', 'Did you mean bound.json?'],
  ['run in.jsonl --schema cut.json', 'it is not JSON'],
  ['run in.jsonl --schema type.json', '"object" or "string"'],
  ['run in.jsonl --schema bound.json', 'must be of the type number'],
  ['run in.jsonl --system @nosuch.txt', 'there is no such file'],
  ['run in.jsonl --temperature hot', 'Expected a number'],
  ['run in.jsonl --workers 0', 'Expected a whole number from 1, or auto'],
  ['run in.jsonl --servers keys.jsonl', 'an unknown key: "base"'],
  ['run in.jsonl --servers words.jsonl', 'JSON value expected'],
  ['run in.jsonl --base-url nonsense', 'It looks like http://127.0.0.1:8000/v1'],
  ['run in.jsonl --base-url http://127.0.0.1:9/v1', 'gets no list of models'],
  ['run in.jsonl -b openai --base-url https://127.0.0.1:9/v1 --limit x', 'Expected a whole number'],
  ['run in.jsonl --host a:b:c', 'is not the address of an Ollama server'],
  ['run in.jsonl -o /proc/x/out.jsonl', 'no such file or directory'],
  ['run in.jsonl -o folder', 'is not a regular file'],
  ['resume nosuch.jsonl', 'no run wrote nosuch.jsonl'],
  ['status in.jsonl', 'contains no result'],
  ['report nosuch.jsonl', 'no such file'],
  ['export wrods.jsonl', 'Did you mean words.jsonl?'],
  ['validate poeple.csv', 'Did you mean people.csv?'],
  ['export words.jsonl', 'contains no result'],
  ['merge words.jsonl -o m.jsonl', 'contains no result'],
  ['doctor --base-url http://127.0.0.1:9/v1 --no-probe', 'nothing answers'],
  ['doctor -m nosuch.gguf', 'there is no model file'],
];

/** Words of libraries and of the system, and of our own code. */
const innerWords =
  /\bE[A-Z]{4,}\b|UND_ERR|received NaN|Invalid input|must match a schema|\bzod\b|\bajv\b|undici|\bundefined\b|\[object|\bNaN\b|[a-z][A-Z][a-z]+:| at .*\.(js|ts):\d/;

describe('what the program says of a mistake', () => {
  test.each(mistakes)('%s', async (command, says) => {
    const folder = await createCliFolder();
    await mkdir(folder.at('folder'));
    for (const [name, text] of Object.entries(files)) await folder.write(name, text);
    const [first = '', ...others] = command.split(' ');
    const model = first === 'run' && !others.includes('-m') ? ['-m', 'mock'] : [];
    const { exitCode, stdout, stderr } = await folder.run([first, ...others, ...model]);
    expect(exitCode).toBeGreaterThan(1);
    const said = `${stdout}${stderr}`;
    expect(said).toContain(says);
    expect(said).not.toMatch(innerWords);
    // What happened, and behind it what to do.
    expect(stderr === '' ? stdout : stderr).toMatch(/\n.*\S/);
  });
});
