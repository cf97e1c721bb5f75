/**
 * JSON.stringify, Python's JSON (1,000 levels, ours around it included), templates and schemas recurse: what is deeper
 * would end the run, or an engine, instead of one request. Nothing that means something comes near it, neither a
 * request nor an answer.
 */
export const deepestNesting = 200;

/**
 * Says whether a JSON text nests objects and lists deeper than `levels`. It is judged by the text before it is parsed:
 * JSON.parse takes a minute and 2 GB for 64 MB of brackets.
 */
export function isDeeperThan(text: string, levels: number): boolean {
  // Most lines have fewer brackets than that; counting them is far quicker than reading every character.
  if (!hasMoreThan(text, levels)) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at + 1);
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    if (depth > levels) return true;
  }
  return false;
}

function hasMoreThan(text: string, most: number): boolean {
  let count = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      if (++count > most) return true;
    }
  }
  return false;
}

/** Index of the quote that ends the string, or the length of the text where the string has no end. */
export function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (before >= start && text[before] === '\\') before--;
    if ((at - before) % 2 === 1) return at;
  }
  return text.length;
}
