import { describe, expect, test } from 'vitest';
import { type CliFolder, createCliFolder } from '../helpers/run-cli.ts';

const flagsIn = (text: string): string[] =>
  [...text.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag);

async function commandsOf(folder: CliFolder): Promise<string[]> {
  const [, list = ''] = /^Commands:\n(.*?)\n\n/ms.exec((await folder.run(['--help'])).stdout) ?? [];
  const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name);
  expect(names).toEqual(expect.arrayContaining(['run', 'resume', 'bench', 'validate', 'doctor', 'merge', 'help']));
  return names;
}

describe('llmbatch --help', () => {
  test('of every command shows examples and the exit codes, on stdout', async () => {
    const folder = await createCliFolder();
    const helps = await Promise.all(
      [[], ...(await commandsOf(folder)).map((name) => [name])].map((words) => folder.run([...words, '--help'])),
    );
    for (const { exitCode, stdout, stderr } of helps) {
      expect([exitCode, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/Examples:\n {2}\$ /);
      expect(stdout).toMatch(/Exit codes:\n {2}0 {2}(all succeeded|an engine can be used)/);
    }
  });

  test('shows fifteen flags of run, and all of them with --help-all', async () => {
    const folder = await createCliFolder();
    const [main, whole] = await Promise.all(['--help', '--help-all'].map((flag) => folder.run(['run', flag])));
    const [few, many] = [flagsIn(main?.stdout ?? ''), flagsIn(whole?.stdout ?? '')];
    expect(few.filter((flag) => !flag.startsWith('--help'))).toHaveLength(15);
    expect(main?.stdout).toContain(`--help-all                all ${many.length - 2} flags`);
    expect(many.length).toBeGreaterThan(50);
    expect(many).toEqual(expect.arrayContaining(few));
  });

  test('has a group for each flag, and --help-all for each command', async () => {
    const folder = await createCliFolder();
    for (const name of await commandsOf(folder)) {
      const { exitCode, stdout, stderr } = await folder.run([name, '--help-all']);
      const [, others = ''] = /^Other flags:\n((?: .*\n)*)/m.exec(stdout) ?? [];
      expect([name, exitCode, stderr]).toEqual([name, 0, '']);
      // A new flag belongs into a group of src/commands/shared/help/flag-groups.ts.
      expect(flagsIn(others).filter((flag) => !flag.startsWith('--help'))).toEqual([]);
      expect(stdout).toMatch(/Exit codes:\n {2}0 {2}(all succeeded|an engine can be used)/);
    }
  });

  test('has pages on what is not about one command', async () => {
    const folder = await createCliFolder();
    const show = async (...words: string[]) => (await folder.run(['help', ...words])).stdout;
    expect(await show('exit-codes')).toContain('  4  the engine is unusable (resumable)\n');
    expect(await show('formats')).toContain('{"id":"a","prompt":"...","system":"..."}');
    expect(await show('environment')).toMatch(/^ {2}OPENAI_API_KEY {3}key of the server \(--base-url\)$/m);
    expect(await show('merge')).toBe((await folder.run(['merge', '--help'])).stdout);
    expect(await show()).toBe((await folder.run(['--help'])).stdout);
    const wrong = await folder.run(['help', 'exitcodes']);
    expect([wrong.exitCode, wrong.stdout]).toEqual([2, '']);
    expect(wrong.stderr).toContain('exit-codes');
  });

  test('of every command and topic fits into 80 columns', async () => {
    const folder = await createCliFolder();
    const [, topics = ''] = /on ([a-z,\s-]+)\./.exec((await folder.run(['help', '--help'])).stdout) ?? [];
    const calls = [
      ['--help'],
      ...(await commandsOf(folder)).flatMap((name) => ['--help', '--help-all'].map((flag) => [name, flag])),
      ...topics.split(/,\s+/).map((topic) => ['help', topic]),
    ];
    for (const call of calls) {
      const { exitCode, stdout } = await folder.run(call);
      expect([call, exitCode, stdout.split('\n').filter((line) => line.length > 80)]).toEqual([call, 0, []]);
    }
  });

  test('is what a wrong command line leads to: exit 2, and stdout stays empty', async () => {
    const folder = await createCliFolder();
    const wrong = await Promise.all(
      [[], ['run'], ['rn', 'x'], ['run', 'x', '--retries', 'many']].map((words) => folder.run(words)),
    );
    expect(wrong.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual(Array(4).fill([2, '']));
    expect(wrong[1]?.stderr).toContain('--help');
    expect(wrong[2]?.stderr).toContain('(Did you mean run?)');
    expect(wrong[3]?.stderr).toContain('Expected a whole number from 0.');
  });

  test('whose reader has seen enough ends as if it had read all', async () => {
    const folder = await createCliFolder();
    const { child, outcome } = folder.start(['run', '--help']);
    child.stdout?.destroy();
    expect(await outcome).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('loads no schemas and no clients, which take longer than all the rest', async () => {
    const folder = await createCliFolder();
    const NODE_OPTIONS = `--import=${new URL('../helpers/note-loads.mjs', import.meta.url).href}`;
    const { exitCode, stderr } = await folder.run(['run', '--help'], { environment: { NODE_OPTIONS } });
    const packages = new Set([...stderr.matchAll(/\/node_modules\/([^/]+)\//g)].map(([, name]) => name));
    expect([exitCode, [...packages]]).toEqual([0, ['commander']]);
  });

  test('prints the version', async () => {
    const folder = await createCliFolder();
    expect((await folder.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('of run', async () => {
    const folder = await createCliFolder();
    expect((await folder.run(['run', '--help'])).stdout).toMatchInlineSnapshot(`
      "Usage: llmbatch run [options] [input...]

      Runs each input (a JSONL or CSV file, or - for standard input) through a local
      engine. The output is the checkpoint: the same command, or \`llmbatch resume\`,
      continues a stopped run.

      Arguments:
        input                     files, or -; several run one after the other, and
                                  the model stays loaded

      Input and output:
        -o, --output <file>       results; - is stdout (default: <input>.results.jsonl
                                  beside the input; stdout for -)
        --overwrite               start again and replace an earlier run
        --limit <n>               only the first n lines
        --dry-run                 show the first request and the chosen engine, mode
                                  and workers; send nothing
        --estimate [n|time]       time a sample (200 or n requests in at most 60 s, or
                                  as many as fit into a given time) and estimate the
                                  time for all; write nothing

      Engine and model:
        -m, --model <model>       the model (a GGUF file for llama-cpp); overrides the
                                  model in the lines
        -b, --backend <name>      the engine: llama-cpp, ollama, openai, vllm, mock;
                                  auto uses the first that has the model (default:
                                  "auto")
        --host <address>          the Ollama server, in the form of OLLAMA_HOST
                                  (default: OLLAMA_HOST, else this machine);
                                  repeatable
        --base-url <url>          the OpenAI-compatible server, such as
                                  http://127.0.0.1:8000/v1 (default: OPENAI_BASE_URL);
                                  repeatable

      Prompts and answers:
        --system <text>           system prompt for lines that have none; @file reads
                                  it from a file
        --prompt-template <text>  Mustache template, filled with the fields of a row;
                                  @file reads it from a file
        --schema <file|json>      JSON schema that every answer must satisfy: a file
                                  or the JSON itself
        --max-tokens <n>          maximum answer length, for lines that set none
        --temperature <number>    temperature for lines that set none (default:
                                  llama-cpp 0, others the model's own)

      Speed and time:
        --workers <n|auto>        number of requests in flight (default: auto, the
                                  best number of a bench, else the number that the
                                  engine suggests)

      Other flags:
        --help-all                all 68 flags
        -h, --help                the main flags

      Examples:
        $ llmbatch run questions.jsonl
        $ llmbatch run questions.jsonl -m gemma-3-4b.gguf --workers 8
        $ llmbatch run --failed-of questions.results.jsonl -m gemma-3-12b.gguf
        $ llmbatch run people.csv -m gemma-3-4b.gguf --system @rubric.txt \\
            --prompt-template "Candidate: {{name}}, {{skills}}"
        $ cat questions.jsonl | llmbatch run - -m model.gguf \\
            | jq .response.body.choices[0].message.content

      Exit codes:
        0  all succeeded (or the reader of stdout closed the pipe)
        1  a bug in llmbatch
        2  usage or input
        3  finished, some requests failed
        4  the engine is unusable (resumable)
        5  the output can't be used: locked, disk full, or of another run
        129, 130, 143  interrupted: terminal closed, Ctrl-C, SIGTERM (resumable)

      "
    `);
  });
});

test('a page of help that there is not comes with the one that is meant', async () => {
  const folder = await createCliFolder();
  const near = await folder.run(['help', 'exprt']);
  expect([near.exitCode, near.stderr]).toEqual([2, expect.stringMatching(/topic "exprt"\n.*llmbatch help export\?/)]);
  const unknown = await folder.run(['ollama']);
  expect(unknown.stderr).toContain('(llmbatch --help shows the commands)');
});

test('the exit codes of doctor are those that it can end with', async () => {
  const { stdout } = await (await createCliFolder()).run(['doctor', '--help']);
  expect(stdout).toContain('  4  no engine can be used, or not the one that is named\n');
  expect(stdout).not.toMatch(/^ {2}[35] {2}/m);
});
