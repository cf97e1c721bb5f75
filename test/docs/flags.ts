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

/** The defaults that the tables of a page give to flags (a column of flags, one headed "default") and the program does not. */
export function wrongDefaults(page: Page, program: Program): string[] {
  const helps = [...program.helps.values()].join('\n');
  return defaultsIn(page.text)
    .filter(({ flag, value }) => !valuesOf(helps, flag).includes(plainValue(value)))
    .map(({ flag, value }) => `${flag} ${value}`);
}

function defaultsIn(text: string): { flag: string; value: string }[] {
  const tables = text.match(/(?:^\|.*\n)+/gm) ?? [];
  return tables.flatMap((table) => {
    const [head = [], , ...rows] = table.trim().split('\n').map(cellsOf);
    const at = head.indexOf('default');
    return rows.flatMap((cells) => {
      const flag = /^`(--[a-z-]+)`$/.exec(cells.find((cell) => cell.startsWith('`--')) ?? '')?.[1];
      return at === -1 || flag === undefined ? [] : [{ flag, value: cells[at] ?? '' }];
    });
  });
}

const cellsOf = (row: string): string[] =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** What the helps say behind "default:" at a flag, in each command that has it. */
function valuesOf(helps: string, flag: string): string[] {
  const entries = [...helps.matchAll(new RegExp(`^ {2}(?:-\\w, )?${flag}[ \n](.*(?:\n {4,}.*)*)`, 'gm'))];
  return entries.flatMap(([, entry = '']) => {
    const [, value] = /\(default:\s+"?([^)"]*)"?\)/.exec(entry.replaceAll(/\s+/g, ' ')) ?? [];
    return value === undefined ? [] : [plainValue(value)];
  });
}

/** A value without the marks by which tables and helps differ: 28,672 and 28672, 10% and 10 %. */
const plainValue = (value: string): string => value.replaceAll(/[,\s"`]/g, '');
