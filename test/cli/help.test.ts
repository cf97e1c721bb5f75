import { describe, expect, test } from 'vitest';
import { createCliFolder } from '../helpers/run-cli.ts';

const commands = ['run', 'resume', 'bench', 'validate', 'status', 'report', 'merge', 'doctor', 'backends'];

describe('llmbatch --help', () => {
  test('of every command shows examples and the exit codes, on stdout', async () => {
    const folder = await createCliFolder();
    const helps = await Promise.all(
      [[], ...commands.map((name) => [name])].map((words) => folder.run([...words, '--help'])),
    );
    for (const { exitCode, stdout, stderr } of helps) {
      expect([exitCode, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/Examples:\n {2}\$ /);
      expect(stdout).toMatch(/Exit codes:\n {2}0 {2}all succeeded/);
    }
  });

  test('names every command', async () => {
    const folder = await createCliFolder();
    const { stdout } = await folder.run(['--help']);
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
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
      "Usage: llmbatch run [options] <input...>

      Runs each input (a JSONL or CSV file, or - for standard input) through a local
      engine. The output is the checkpoint: the same command, or \`llmbatch resume\`,
      goes on with a stopped run.

      Arguments:
        input                        files, or -; several are run one after the other
                                     on one loaded model

      Options:
        -o, --output <file>          results; - is stdout (default:
                                     <input>.results.jsonl beside the input; stdout
                                     for -)
        --overwrite                  start anew, in place of an earlier run (default:
                                     false)
        --strict                     exit 2 before anything is sent when any line is
                                     bad (default: false)
        --dry-run                    show the first request as it would be sent, and
                                     the choices; send nothing (default: false)
        --estimate [n|time]          time a sample (200 or n requests, for 60 s at
                                     most; or for so long) and say what all would
                                     take; write nothing
        --shard <i/n>                only part i of n, by a hash of the ids: of what
                                     --limit or --sample leave. Results:
                                     <input>.results.i-of-n.jsonl; merge joins them
        --priority <input=number>    run inputs with higher numbers first; repeatable
                                     (default: {})
        --format <format>            of the input (default: auto, found by its name
                                     and its first bytes); text: one prompt a line
                                     (choices: "auto", "jsonl", "json", "csv", "tsv",
                                     "text", "parquet")
        --delimiter <character>      between the cells of a CSV: one character, or tab
                                     (default: found in its header)
        --encoding <name>            of the input, such as windows-1252 or utf-16le
                                     (default: utf-8)
        --id-field <name>            field that holds a row's id (default: custom_id,
                                     else id)
        --allow-empty-fields         a field that the prompt template prints may be
                                     null or empty (default: false)
        --limit <n>                  only the first n lines
        -b, --backend <name>         the engine: llama-cpp, ollama, openai, vllm,
                                     mock; auto takes the first that serves the model
                                     (default: "auto")
        -m, --model <model>          the model (a GGUF file for llama-cpp); replaces
                                     the model that a line names
        --system <text>              system prompt for lines without their own; @file
                                     reads it from a file
        --prompt-template <text>     Mustache template over the fields of a row; @file
                                     reads it from a file
        --schema <file|json>         JSON schema that every answer must satisfy, as a
                                     file or as it is, bare or in a wrapper of OpenAI
        --temperature <number>       for lines without their own (default: llama-cpp
                                     0, others the model's own)
        --max-tokens <n>             longest answer, for lines without their own
        --top-p <number>             for lines without their own
        --seed <n>                   for lines without their own
        --stop <text>                ends an answer; repeatable (default: [])
        --think <how>                a model's thinking, for lines without their own:
                                     off, on, low, medium, high, or its most tokens;
                                     what a model or its engine can't do is refused
        --mode <mode>                how requests that share a system prompt are sent
                                     (choices: "auto", "independent", "conversation",
                                     default: "auto")
        --chat-template <file|name>  Jinja template in place of the model's own
                                     (llama-cpp, vllm): a file, or one of alpaca,
                                     chatml, deepseek3, gemma, llama2, llama3,
                                     mistral-v3, mistral-v3-tekken, mistral-v7,
                                     mistral-v7-tekken, phi3, phi4, qwen2.5, vicuna,
                                     zephyr
        --sample <n>                 only n random lines, always the same ones
        --option <key=value>         an option of the backend's own; repeatable (see:
                                     llmbatch backends) (default: {})
        --control-tokens <how>       control tokens spelled out in a request's text:
                                     kept as text (where only a server could do that,
                                     the line fails), or let through (choices: "text",
                                     "allow", default: "text")
        --allow-truncated            an answer cut at max_tokens is a success
                                     (default: false)
        --allow-empty-answers        an answer that says nothing (blanks, thinking
                                     alone) is a success (default: false)
        --allow-repetition           an answer that repeats itself without end, for
                                     512 tokens and more, is not stopped; one that is
                                     not streamed never is (default: false)
        --trim-every <n>             conversation: trim the history after so many
                                     turns (default: 50)
        --keep-messages <n>          conversation: messages that a trim keeps, in
                                     whole turns (default: 40)
        --trim-tokens <n>            conversation: trim when prompt and answer reach
                                     so many tokens (default: 28672)
        --context-window <n>         conversation: context window in tokens (default:
                                     32768)
        --host <address>             the Ollama server, as OLLAMA_HOST would name it
                                     (default: what the environment says); repeatable
        --base-url <url>             the OpenAI-compatible server, such as
                                     http://127.0.0.1:8000/v1 (default:
                                     OPENAI_BASE_URL); repeatable
        --servers <file>             JSONL of servers, one a line: {"host": ...} or
                                     {"base_url": ...}, with "api_key_env": the name
                                     of the variable that holds its key
        --python <path>              the Python that has vLLM (default:
                                     LLMBATCH_PYTHON, the active environment, python3)
        --gpus <list>                vllm: one engine on each of these GPUs: 0,1
                                     (default: one engine)
        --vram-limit <size|share>    GPU memory, of each GPU, at which histories are
                                     trimmed, workers halved, then paused: 14GiB, 90%,
                                     none (default: auto, 87.5%, or what the model
                                     alone takes)
        --unload                     free the model at the end, where the engine would
                                     keep it loaded
        --force-histories            conversation: one history a worker, though the
                                     engine has fewer slots
        --background                 send nothing new to a server while others use it,
                                     where it tells
        --no-background              of a resumed run: send whoever else uses the
                                     server
        --hours <hours>              hours in which the run works, by the local time:
                                     22-07, 22:30-7, 12-13,20-24; outside of them it
                                     is paused (default: always)
        --workers <n|auto>           requests in flight (default: auto, what a bench
                                     found best, else what the engine suggests)
        --retries <n>                tries after the first one, for transient failures
                                     (default: 3)
        --retry-on <kinds>           retry these too, with commas: schema-invalid,
                                     truncated, empty
        --timeout <duration>         longest time for one try, without the wait in a
                                     queue of the engine (default: none)
        --stall-timeout <duration>   longest silence of the engine (default: 5m)
        --drain-timeout <duration>   after the first Ctrl-C, longest wait for what is
                                     in flight (default: 30s)
        --max-error-rate <share>     stop when more of the last 100 requests failed;
                                     1: never (default: 0.5)
        --fsync <how>                group: every 250 ms or 64 results; always: at
                                     once; none (default: group) (choices: "group",
                                     "always", "none")
        --order <order>              of the finished output (default: input) (choices:
                                     "input", "completion")
        --retry-failed <which>       failed requests of earlier sessions to try again
                                     (choices: "all", "transient", "none", default:
                                     "transient")
        --allow-drift                go on though a setting, the model or the input
                                     changed; recorded in the manifest (default:
                                     false)
        --progress <how>             the live display on stderr (choices: "auto",
                                     "bar", "plain", "json", "none", default: "auto")
        -v, --verbose                tell also why the engine, the mode and the
                                     workers were chosen (default: false)
        --json                       print the summary as JSON on stdout at the end
                                     (default: false)
        -h, --help                   display help for command

      Examples:
        $ llmbatch run candidates.jsonl
        $ llmbatch run candidates.jsonl -m gemma-3-4b.gguf --workers 8
        $ llmbatch run people.csv -m gemma-3-4b.gguf --system @rubric.txt --prompt-template "Candidate: {{name}}, {{skills}}"
        $ cat requests.jsonl | llmbatch run - -m model.gguf | jq .response.body.choices[0].message.content

      Exit codes:
        0  all succeeded (or the reader of stdout closed the pipe)
        1  a bug in llmbatch
        2  usage or input
        3  finished, some requests failed
        4  the engine is unusable (resumable)
        5  the output can't be used: locked, disk full, another run's
        129, 130, 143  interrupted: the terminal was closed, Ctrl-C, SIGTERM (resumable)

      "
    `);
  });
});
