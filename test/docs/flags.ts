import { type Page, codeSpansOf, fencesOf } from './pages.ts';

/** What the program prints of itself. */
export interface Program {
  /** The `--help-all` of each command, without the exit codes, which are the same for all. */
  helps: ReadonlyMap<string, string>;
  /** What `llmbatch help` prints of each topic. */
  topics: ReadonlyMap<string, string>;
  /** The engines with the keys of their `--option`, as `llmbatch backends --json` prints them. */
  backends: readonly { name: string; options: Record<string, string> }[];
}

/** The flags that a `--help` lists, such as `-o` and `--output`. */
export function flagsOf(help: string): Set<string> {
  const [flags = ''] = help.split('\nExamples:');
  const heads = [...flags.matchAll(/^ {2}(-.*?)(?: {2}|$)/gm)].map(([, head = '']) => head);
  return new Set(heads.flatMap((head) => head.match(/(?<![\w-])--?[a-z][a-z-]*/gi) ?? []));
}

/** `page` with the usage blocks and option tables as the program prints them now. */
export function filledIn(page: Page, program: Program): string {
  return page.text
    .replaceAll(/(<!-- help: (\S+) -->\n).*?(<!-- \/help -->)/gs, (_, start: string, name: string, end: string) => {
      const help = program.helps.get(name) ?? program.topics.get(name);
      if (help === undefined) throw new Error(`${page.path} shows the help of "${name}", which there is not`);
      return `${start}\n\`\`\`text\n${help.trim()}\n\`\`\`\n\n${end}`;
    })
    .replaceAll(
      /(<!-- options: (\S+) -->\n).*?(<!-- \/options -->)/gs,
      (_, start: string, name: string, end: string) => {
        const backend = program.backends.find((known) => known.name === name);
        if (backend === undefined) throw new Error(`${page.path} lists the options of "${name}", which is no engine`);
        const rows = Object.entries(backend.options).map(
          ([key, text]) => `| \`${key}\` | ${text.replaceAll('|', '\\|')} |`,
        );
        return `${start}\n| key | meaning |\n| --- | --- |\n${rows.join('\n')}\n\n${end}`;
      },
    );
}

/** The flags and keys of `--option` that a page names and the program does not have. */
export function unknownFlags(page: Page, program: Program): string[] {
  const all = new Set(['--version', ...[...program.helps.values()].flatMap((help) => [...flagsOf(help)])]);
  const spans = codeSpansOf(page.text);
  const named = spans.filter((code) => code.startsWith('-')).flatMap((code) => flagsIn(code));
  const commands = [...spans, ...fencesOf(page.text).flatMap((block) => block.split('\n'))].flatMap(commandsIn);
  return [
    ...named.filter((flag) => !all.has(flag)),
    ...commands.flatMap(({ name, rest }) => unknownOf(name, rest, program.helps)),
    ...[...spans, ...commands.map(({ rest }) => rest)].flatMap((code) => unknownOptions(code, page, program)),
  ];
}

/** The calls of llmbatch in a line of a shell. */
function commandsIn(line: string): { name: string; rest: string }[] {
  const calls = line.replace(/ # .*| {4}#.*/, '').split(/ \| | > /);
  return calls.flatMap((call) => {
    const [, name, rest = ''] = /^(?:\$ )?llmbatch ([a-z]+)(.*)$/.exec(call.trim()) ?? [];
    return name === undefined ? [] : [{ name, rest }];
  });
}

function unknownOf(name: string, rest: string, helps: Program['helps']): string[] {
  const help = helps.get(name);
  if (help === undefined) return [`llmbatch ${name}`];
  const flags = flagsOf(help);
  return flagsIn(rest)
    .filter((flag) => !flags.has(flag))
    .map((flag) => `llmbatch ${name} ${flag}`);
}

/** The flags in an argument list; what stands in quotes is a value. */
const flagsIn = (text: string): string[] =>
  text.replaceAll(/'[^']*'|"[^"]*"/g, "''").match(/(?<=^|\s)(?:--[a-z][a-z-]*|-[a-zA-Z](?![\w-]))/g) ?? [];

function unknownOptions(code: string, page: Page, { backends }: Program): string[] {
  const here = backends.filter(({ name }) => page.path === `docs/backends/${name}.md`);
  const candidates = here.length > 0 ? here : backends;
  // An engine with open options takes keys that it does not list.
  if (candidates.some(({ options }) => '...' in options)) return [];
  const keys = [...code.matchAll(/--option (?!key=value)([a-z_]+)/g)].map(([, key = '']) => key);
  return keys.filter((key) => !candidates.some(({ options }) => key in options)).map((key) => `--option ${key}`);
}
