/**
 * Patterns that find a secret however it is written: in either case, with the escapes of JSON, of a URL and of HTML
 * (each of which may be escaped again, and mixed), over several lines, cut off behind its half, in hexadecimal digits,
 * and in Base64, also as a part of a longer text (`Bearer <key>`, `user:<key>`). Every repeat in them has a limit, so
 * that no text takes longer than its length.
 */
export function spellings(secret: string): RegExp[] {
  const hexadecimal = Buffer.from(secret).toString('hex');
  return [
    new RegExp(`${escaped(secret)}|${hexadecimal}`, 'giu'),
    new RegExp(inBase64(Buffer.from(secret)).join('|'), 'gu'),
  ];
}

/** Shortest part of a key, in characters, that is taken out: so much of it stands nowhere by chance. */
const shortestPart = 16;
/**
 * Longest part of a secret, in characters, that is spelled out: the rest of a longer one (a token with claims in it) is
 * recognised by the alphabet of tokens.
 */
const longestSpelled = 256;

function escaped(secret: string): string {
  const characters = Array.from(secret.slice(0, longestSpelled));
  const needed = Math.min(characters.length, Math.max(shortestPart, Math.ceil(characters.length / 2)));
  const [first = '', ...others] = characters.slice(0, needed).map(spellingsOf);
  const rest = characters.slice(needed).map((character) => `(?:${lineBreak}${spellingsOf(character)})?`);
  const beyond = secret.length > longestSpelled ? String.raw`[\w.~+/=\-]*` : '';
  return [first, ...others.map((spelled) => `${lineBreak}${spelled}`), ...rest, beyond].join('');
}

/** A line break, bare or escaped, and what can't be seen. */
const lineBreak = String.raw`(?:[\r\n]\s{0,8}|\\{1,4}[rn]|\p{Cf}){0,4}`;

/** HTML entities for the characters that keys hold beside letters and digits. */
const entities: Record<string, string> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
  '+': 'plus',
  '/': 'sol',
  '=': 'equals',
  _: 'lowbar',
  '.': 'period',
  ':': 'colon',
  '-': 'hyphen',
};

function spellingsOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hexadecimal = code.toString(16).padStart(2, '0');
  const plain = String.raw`\u{${hexadecimal}}`;
  const name = entities[character];
  // The longest first: a character may be the beginning of its own escape.
  const alternatives = [
    String.raw`\\{1,8}(?:u\{?0{0,6}|x)${hexadecimal}\}?`,
    `%(?:25){0,3}${hexadecimal}`,
    `&(?:amp;){0,3}(?:#0{0,6}${code}|#x0{0,6}${hexadecimal}${name === undefined ? '' : `|${name}`});?`,
    /[\p{L}\p{N}]/u.test(character) ? plain : String.raw`\\{0,8}${plain}`,
  ];
  return `(?:${alternatives.join('|')})`;
}

/**
 * Base64 has three ways to write a text, by where in a longer one it stands. At both ends is a character of its
 * neighbours.
 */
function inBase64(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return `${Array.from(own, (digit) => digits[digit] ?? digit).join(lineBreak)}[\\w+/\\-]?(?:=|%3[Dd]){0,2}`;
  });
}

/** The last two digits differ in URLs. */
const digits: Record<string, string> = {
  '+': String.raw`(?:[+\-]|%2[Bb])`,
  '/': String.raw`(?:\\{0,4}/|_|%2[Ff])`,
};
