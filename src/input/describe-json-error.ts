/** One token of JSON, behind blanks: a sign, a text, a number or a word. */
const token =
  /[ \t\r\n]*(?:([{}[\]:,])|"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w))/y;

type Wanted = 'value' | 'key' | 'colon' | 'comma' | 'nothing';

/** Where a text stops being JSON, and what could have stood there. */
interface Fault {
  at: number;
  wanted: Wanted;
  /** The sign before the fault; empty at the beginning. */
  before: string;
}

/**
 * Says in plain words why a text is not JSON, by what people's files hold: Python's and JavaScript's values, commas,
 * quotes, two objects on a line. `otherwise` is told where none of them is found.
 */
export function describeJsonError(text: string, otherwise: string): string {
  const fault = findFault(text);
  if (fault === null) return otherwise;
  const rest = text.slice(fault.at);
  const described =
    describeRest(rest, fault) ?? (fault.at === 0 ? 'it does not begin with {' : 'the text there is not JSON');
  return `${described}, at character ${fault.at + 1}`;
}

function findFault(text: string): Fault | null {
  const open: string[] = [];
  let wanted: Wanted = 'value';
  let before = '';
  for (let at = 0; ; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(text);
    const next: Wanted | null =
      found === null ? null : step(wanted, found[1] ?? found[0].trimStart().slice(0, 1), { open, before });
    if (found === null || next === null) {
      const start = at + text.slice(at).search(/[^ \t\r\n]|$/);
      return wanted === 'nothing' && start === text.length ? null : { at: start, wanted, before };
    }
    before = found[1] ?? '';
    wanted = next;
  }
}

/** What may follow the token; null where the token may not stand here. */
function step(wanted: Wanted, sign: string, { open, before }: { open: string[]; before: string }): Wanted | null {
  if (sign === '}' || sign === ']') {
    const mayClose = wanted === 'comma' || before === '{' || before === '[';
    return mayClose ? closeAt(open, sign) : null;
  }
  return (following[sign] ?? ofWords)[wanted]?.(open) ?? null;
}

type Following = Partial<Record<Wanted, (open: string[]) => Wanted>>;

const inside = (open: readonly string[]): Wanted => (open.length === 0 ? 'nothing' : 'comma');
const keyOrValue = (bracket: string | undefined): Wanted => (bracket === '{' ? 'key' : 'value');

/** What may follow a sign, a text (by its first quote), and numbers and words, by what was wanted. */
const following: Record<string, Following> = {
  '{': { value: (open) => openAt(open, '{') },
  '[': { value: (open) => openAt(open, '[') },
  ':': { colon: () => 'value' },
  ',': { comma: (open) => keyOrValue(open.at(-1)) },
  '"': { key: () => 'colon', value: inside },
};
const ofWords: Following = { value: inside };

function openAt(open: string[], sign: string): Wanted {
  open.push(sign);
  return keyOrValue(sign);
}

const closeAt = (open: string[], sign: string): Wanted | null =>
  open.pop() === (sign === '}' ? '{' : '[') ? inside(open) : null;

const words: readonly [pattern: RegExp, reason: (found: string) => string][] = [
  [/^-?(?:NaN|Infinity)\b/, (found) => `${found} is not JSON: write null (pandas: df.to_json, which does)`],
  [/^(?:None|True|False)\b/, (found) => `${found} is Python, not JSON: write it with json.dumps`],
  [/^undefined\b/, () => 'undefined is not JSON: write null'],
  [/^'/, () => 'single quotes: a Python dict, not JSON; write it with json.dumps'],
  [/^[\u2018-\u201F\u00AB\u00BB]/, () => "curly quotes, which a word processor put in place of JSON's straight ones"],
  [/^(?:\/\/|\/\*|#)/, () => 'a comment, which JSON does not have'],
  [/^\uFEFF/, () => 'a byte order mark in the middle of the file, as after joining two files'],
  [/^\u00A0/, () => 'a no-break space, which JSON does not allow as a blank'],
  [/^[+.]?0?\d[\w.+-]*|^-[^\d]/, (found) => `${found} is not how JSON writes a number`],
];

function describeRest(rest: string, { wanted, before }: Fault): string | null {
  if (rest === '') return 'it is cut off: the end is missing';
  if (wanted === 'nothing') return describeAfter(rest);
  if (before === ',' && /^[}\]]/.test(rest)) return `a comma before the closing ${rest.slice(0, 1)}`;
  if (wanted === 'comma' || wanted === 'colon') return describeMissing(rest, wanted);
  return rest.startsWith('"') ? describeText(rest) : describeWord(rest, wanted);
}

function describeWord(rest: string, wanted: Wanted): string | null {
  for (const [pattern, reason] of words) {
    const found = pattern.exec(rest);
    if (found !== null) return reason(found[0]);
  }
  return wanted === 'key' && /^[\p{L}_$]/u.test(rest) ? 'a key without its double quotes' : null;
}

/** The value was whole, and more stands behind it. */
function describeAfter(rest: string): string {
  if (rest.trimEnd() === ',') return 'a comma after the object';
  if (/^,?\s*\{/.test(rest)) return 'more than one object on the line: write each on a line of its own';
  if (/^(?:\/\/|\/\*|#)/.test(rest)) return 'a comment after the object';
  return 'more text after the object';
}

function describeMissing(rest: string, wanted: 'comma' | 'colon'): string | null {
  if (wanted === 'colon') return rest.startsWith('=') ? 'an = in place of a colon' : 'no colon after the key';
  if (/^[\p{L}\d]/u.test(rest)) return String.raw`a double quote inside a text, which must be written \"`;
  if (/^["{[]/.test(rest)) return 'a comma is missing';
  return /^[}\]]/.test(rest) ? 'the wrong closing bracket' : null;
}

/** A text that is not JSON's: cut off, or with what must be escaped in it. */
function describeText(rest: string): string {
  const end = /^"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*/.exec(rest)?.[0].length ?? 1;
  const next = rest.slice(end, end + 2);
  if (next === '' || next === '\\')
    return 'it is cut off inside a text, or has a line break in it that must be written \\n';
  if (next.startsWith('\\')) return `the backslash of ${next} must be doubled`;
  const code = next.charCodeAt(0).toString(16).padStart(4, '0');
  const [name, escape] = controls[next.slice(0, 1)] ?? [`control character U+${code.toUpperCase()}`, `\\u${code}`];
  return `a ${name} in a text must be written ${escape}`;
}

const controls: Record<string, [name: string, escape: string]> = {
  '\n': ['line break', String.raw`\n`],
  '\r': ['carriage return', String.raw`\r`],
  '\t': ['tab', String.raw`\t`],
};
