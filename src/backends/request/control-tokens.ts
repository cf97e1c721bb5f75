/** Finds and breaks texts that a tokenizer would read as control tokens (`<|im_end|>`). */
export interface ControlTokens {
  isIn: (text: string) => boolean;
  /** Puts the mark into each such text, after its first character, so that no whole one is left. */
  breakUp: (text: string, mark: string) => string;
}

/**
 * Many fine-tunes declare `<|im_start|>` as user-defined, as others do words, runs of spaces and HTML. The turns are made
 * of those that the template writes; a word there, such as a role's name, is none.
 */
export const isMarkup = (text: string, template: string): boolean =>
  /^\S*\w\S*$/u.test(text) && /\W/u.test(text) && template.includes(text);

/** What looks like a control token in a template, such as `<|im_start|>`, `<end_of_turn>`, `[INST]`. */
export const templateTokens = (template: string): string[] =>
  template.match(/<[|｜][^<>{}\s]+[|｜]>|<\/?[a-z_]+>|\[\/?[A-Z_]+\]/gu) ?? [];

export function createControlTokens(texts: string[]): ControlTokens {
  // A text of one character can't be broken up, and none is known that a model uses for its turns.
  const breakable = texts.filter((text) => /../su.test(text)).map(escapeForPattern);
  if (breakable.length === 0) return { isIn: () => false, breakUp: (text) => text };
  // The look-ahead leaves the match one character long, so that texts that overlap are all found.
  const pattern = new RegExp(`(?=${breakable.join('|')}).`, 'gsu');
  return {
    isIn: (text) => text.search(pattern) !== -1,
    breakUp: (text, mark) => text.replace(pattern, (character) => character + mark),
  };
}

const escapeForPattern = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
