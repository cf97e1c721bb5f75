/** What other languages of templates would replace, and Mustache sends as it is. */
export interface Placeholder {
  /** As it stands in the template. */
  written: string;
  /** Names of fields that it may mean. */
  names: readonly string[];
  /** It is nothing but a placeholder. Angle brackets and the like mean other things as well. */
  isCertain: boolean;
}

/** `{text}`, `${text}`, `#{text}`, `{row.text}`, `{text!r}`, `{text:>10}`, `{% if text %}`: no JSON, whose keys stand in quotes. */
const certain =
  /[$#%]?\{%[^%]{1,200}%\}|[$#%]?\{\s*[\p{L}\p{N}_$][\p{L}\p{N}_ .$[\]-]{0,99}(?:[:!|][^\s{}]{0,50})?\}/gu;
/** `<text>`, `%text%`, `%(text)s`, `[text]`, `$text`. */
const doubtful =
  /<[\p{L}\p{N}_ .-]{1,100}>|%[\p{L}\p{N}_ .-]{1,100}%|%\([^()]{1,100}\)s|\[[\p{L}\p{N}_ .-]{1,100}\]|\$[\p{L}_][\p{L}\p{N}_]{0,99}/gu;

/** Finds them in the parts of a template that are sent as they are. */
export function findPlaceholders(literal: string): Placeholder[] {
  const find = (pattern: RegExp, isCertain: boolean): Placeholder[] =>
    (literal.match(pattern) ?? []).map((written) => ({ written, names: namesIn(written), isCertain }));
  // A tag of XML that is closed is markup.
  const isTag = ({ written }: Placeholder): boolean =>
    written.startsWith('<') && literal.includes(`</${written.slice(1)}`);
  return [...find(certain, true), ...find(doubtful, false).filter((found) => !isTag(found))];
}

/** The text within the brackets, and the last part of its path; of a statement each word. */
function namesIn(written: string): string[] {
  if (written.includes('{%')) return written.match(/[\p{L}\p{N}_]+/gu) ?? [];
  const [name = ''] = written.replaceAll(/^[^\p{L}\p{N}_]+|[^\p{L}\p{N}_]+$|\)s$/gu, '').split(/[:!|]/);
  return [name.trim(), name.split(/[.[]/).at(-1)?.trim() ?? ''];
}
