/** A quick start of the README: its bold title, its commands, and the first table that is shown behind them. */
interface QuickStart {
  title: string;
  code: string;
  shown: string;
}

/** The quick starts of a page, each `**Title.**` with a block of commands. */
export function quickStartsOf(text: string): QuickStart[] {
  return text
    .split(/^(?=\*\*I have )/m)
    .slice(1)
    .map((part, index, parts) => {
      const [, title = ''] = /^\*\*(.*?)\.\*\*/.exec(part) ?? [];
      const [, code = ''] = /^```sh\n(.*?)^```$/ms.exec(part) ?? [];
      const rest = [part.slice(part.indexOf(code) + code.length), ...parts.slice(index + 1)].join('');
      const [, shown = ''] = /^```csv\n(.*?)^```$/ms.exec(rest) ?? [];
      return { title, code, shown };
    });
}

/** The files that a page tells its reader to save: "... as `name`:" and a block. */
export const exampleFilesOf = (text: string): { name: string; text: string }[] =>
  [...text.matchAll(/ as `([\w.-]+)`:\n\n```\w+\n(.*?)^```$/gms)].map(([, name = '', block = '']) => ({
    name,
    text: block,
  }));

/** The arguments of each call of llmbatch in a block of a shell; other programs are left out. */
export function llmbatchCommandsIn(code: string): string[][] {
  const lines = code.replaceAll(/\\\n\s*/g, '').split('\n');
  return lines
    .filter((line) => line.startsWith('llmbatch '))
    .map((line) => {
      const words = line.replace(/ {4}#.*/, '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g);
      return [...words].map(([, single, double, bare]) => single ?? double ?? bare ?? '').slice(1);
    });
}

/**
 * The same command on the mock engine: `-b mock -m mock` in place of `-m MODEL`, as docs/quick-start.md tells. Where a schema is
 * asked for, the answer is `parsed`, since mock would give the prompt back.
 */
export function onMock(command: readonly string[], parsed: string): string[] {
  if (command[0] !== 'run') return [...command];
  const model = command.indexOf('-m');
  const answer = command.includes('--schema') ? ['--option', `answer=text:${parsed}`] : [];
  return [...command.slice(0, model), '-b', 'mock', '-m', 'mock', ...command.slice(model + 2), ...answer];
}
