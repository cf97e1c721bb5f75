/** Finds and breaks texts that a tokenizer would read as control tokens (`<|im_end|>`). */
export interface ControlTokens {
  /** Finds the first control token in a text; null where there is none. */
  find: (text: string) => string | null;
  /** Puts the mark into each such text, after its first character, so that no whole one is left. */
  breakUp: (text: string, mark: string) => string;
}

/**
 * Many fine-tunes declare `<|im_start|>` as user-defined, as others do words, runs of spaces and HTML. Only those that
 * the template writes make turns; a word of the template, such as the name of a role, does not count.
 */
export const isMarkup = (text: string, template: string): boolean =>
  /^\S*\w\S*$/u.test(text) && /\W/u.test(text) && template.includes(text);

/** Finds what looks like a control token in a template, such as `<|im_start|>`, `<end_of_turn>`, `[INST]`, `]~b]`. */
export const templateTokens = (template: string): string[] =>
  template.match(/<[|｜][^<>{}\s]+[|｜]>|<\/?[a-z_]+(?:_\d+)?>|\[\/?[A-Z_]+\]|\]~!?b[[\]]|\[e~\[/gu) ?? [];

/**
 * A template may write the first or the last character of a control token around a text: what is left of it then, too.
 */
export const controlTokenParts = (text: string): string[] => [
  text,
  ...[text.slice(1), text.slice(0, -1), text.slice(1, -1)].filter((part) => part.length > 2 && /[^\w\s]/u.test(part)),
];

export function createControlTokens(texts: readonly string[]): ControlTokens {
  // A text of one character can't be broken up, and none is known that a model uses for its turns.
  const breakable = [...new Set(texts)].filter((text) => /../su.test(text));
  if (breakable.length === 0) return { find: () => null, breakUp: (text) => text };
  // The longest first, so that it is the one that is named.
  const named = breakable.toSorted((left, right) => right.length - left.length).map(escapeForPattern);
  // The look-ahead leaves the match one character long, so that texts that overlap are all found.
  const pattern = new RegExp(`(?=${named.join('|')}).`, 'gsu');
  const first = new RegExp(named.join('|'), 'su');
  return {
    find: (text) => first.exec(text)?.[0] ?? null,
    breakUp: (text, mark) => text.replace(pattern, (character) => character + mark),
  };
}

const escapeForPattern = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
