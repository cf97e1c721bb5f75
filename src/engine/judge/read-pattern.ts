/** What Python and Rust write otherwise than JavaScript does; JavaScript would read some of it as other letters. */
const otherWords: [RegExp, string][] = [
  [/\(\?P</g, '(?<'],
  [/(?<!\\)((?:\\\\)*)\\A/g, '$1^'],
  [/(?<!\\)((?:\\\\)*)\\[Zz]/g, '$1$'],
];

/**
 * A pattern of a schema or of `guided_regex`, whose writers had other engines in mind. Unicode mode is tried first: in it
 * a mistake is none of the letters that it is written with. Throws where it is no pattern.
 */
export function readPattern(pattern: string, flags = 'u'): RegExp {
  const text = otherWords.reduce((words, [other, ours]) => words.replaceAll(other, ours), pattern);
  const inline = /^\(\?([ims]+)\)/.exec(text);
  const body = inline === null ? text : text.slice(inline[0].length);
  const own = inline?.[1] ?? '';
  try {
    return new RegExp(body, flags + own);
  } catch {
    return new RegExp(body, own);
  }
}
