import { describe, expect, test } from 'vitest';
import { createTextWatch, repeatedTokens } from '../../../src/backends/request/repetition.ts';

/** Splits a text as a tokenizer does, roughly: words with their blank, single digits and signs. */
const tokensIn = (text: string): string[] => text.match(/ ?\p{L}{1,6}|\d| {2,16}|[^\p{L}\d]/gu) ?? [];

/** Number of pieces after which an answer was found to repeat itself; null: never. */
function endOfText(pieces: readonly string[], hasGrammar = false): number | null {
  const watch = createTextWatch(hasGrammar);
  for (const [index, piece] of pieces.entries()) if (watch(piece) !== null) return index + 1;
  return null;
}

function endOfTokens(pieces: readonly string[], hasGrammar = false): number | null {
  const numbers = new Map<string, number>();
  const texts: string[] = [];
  const tokens: number[] = [];
  const textOf = (some: readonly number[]): string => some.map((token) => texts[token]).join('');
  for (const piece of pieces) {
    if (!numbers.has(piece)) numbers.set(piece, texts.push(piece) - 1);
    tokens.push(numbers.get(piece)!);
    if (repeatedTokens({ tokens, textOf, hasGrammar }) !== null) return tokens.length;
  }
  return null;
}

/** The same text in pieces of several tokens, whose borders shift. */
function shifted(text: string, seed = 7): string[] {
  const pieces: string[] = [];
  for (let from = 0, at = seed; from < text.length; at = (at * 48_271) % 2_147_483_647) {
    const length = 1 + (at % 40);
    pieces.push(text.slice(from, from + length));
    from += length;
  }
  return pieces;
}

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('\n');
const story = 'Once upon a time a fox met a crow that held a piece of cheese, and asked it for a song. ';

describe('an answer that repeats itself', () => {
  const loops: [string, string, number][] = [
    ['a word', ' the', 512],
    ['a sentence', "I'm sorry, I can't help with that. ", 512],
    [
      'a paragraph of 60 tokens',
      `${story}The crow sang, and the cheese fell down to the fox, who said that all who flatter live at the cost of those who listen. It was a good day for the fox. `,
      512,
    ],
    ['an item of a list', '\n- Ask the people who know the most', 512],
    ['an item of one word', '\n* Shark', 512],
    ['line feeds', '\n', 512],
    ['blanks', '    \n', 512],
    ['a sentence without blanks', '我是一个语言模型。', 512],
    ['a number', '0', 2048],
    ['a sign', '!', 2048],
    ['empty cells', '| | ', 2048],
  ];

  test.each(loops)('%s is found where its tokens are seen', (_name, text, least) => {
    const end = endOfTokens([...tokensIn(story.repeat(3)), ...tokensIn(text.repeat(4000))])!;
    const before = tokensIn(story.repeat(3)).length;
    expect(end - before).toBeGreaterThanOrEqual(least - 80);
    expect(end - before).toBeLessThan(least + 96);
  });

  test.each(loops)('%s is found in the pieces of a stream, after as many', (_name, text, least) => {
    const end = endOfText([...tokensIn(story.repeat(3)), ...tokensIn(text.repeat(4000))])!;
    const before = tokensIn(story.repeat(3)).length;
    expect(end - before).toBeLessThan(least + 96);
    expect(end - before).toBeGreaterThan(least / 2);
  });

  test.each(loops)('%s is found in pieces of several tokens with other borders each time', (_name, text, least) => {
    const pieces = shifted(story.repeat(3) + text.repeat(20_000));
    const end = endOfText(pieces)!;
    const characters = pieces.slice(0, end).join('').length;
    expect(characters).toBeLessThanOrEqual(story.length * 3 + least * 4 + 120);
  });

  test('tells what is repeated, and how often', () => {
    const watch = createTextWatch(false);
    const found = tokensIn(story + 'So it is. '.repeat(500))
      .map(watch)
      .find((repetition) => repetition !== null);
    expect(found!.text.split('').toSorted().join('')).toBe('So it is. '.split('').toSorted().join(''));
    expect(found!.times).toBeGreaterThanOrEqual(127);
  });

  test('is not found one token too early', () => {
    const once = 'abcdefgh'.split('').map((letter) => ` ${letter}`);
    const looped = (count: number): string[] => Array.from({ length: count }, (_, at) => once[at % once.length]!);
    expect(endOfTokens(looped(511))).toBeNull();
    expect(endOfTokens(looped(512))).toBe(512);
    expect(endOfTokens([...looped(511), ' z', ...looped(511)])).toBeNull();
  });

  test('is found after 2,048 tokens where its period is longer than 64, and never where it is longer than 256', () => {
    const words = (count: number): string[] => Array.from({ length: count }, (_, at) => ` ${at.toString(36)}`);
    const repeated = (count: number): string[] => Array.from({ length: 60 }, () => words(count)).flat();
    expect([64, 65, 256, 257].map((count) => endOfTokens(repeated(count)))).toEqual([512, 2048, 2048, null]);
  });

  test('is found where it is a long paragraph, in tokens and in pieces', () => {
    const paragraph = `${story}${'The crow sang and sang. '.repeat(6)}${'Then the fox ran off with all of it. '.repeat(5)}\n\n`;
    const pieces = tokensIn(paragraph.repeat(60));
    expect(pieces.length / 60).toBeGreaterThan(64);
    expect(endOfTokens(pieces)).toBe(2048);
    expect(endOfText(pieces)).toBeLessThan(2048 + 96);
  });

  test('is none where it is there at once and nothing follows', () => {
    expect(endOfText(['So it is. '.repeat(900)])).toBeNull();
    expect(endOfText(['So it is. '.repeat(900), 'So'])).toBe(2);
  });

  test('under a grammar, only blanks are an end', () => {
    const fields = tokensIn('"I do not know", '.repeat(4000));
    expect([endOfTokens(fields, true), endOfText(fields, true)]).toEqual([null, null]);
    const blanks = Array.from({ length: 5000 }, () => '\n ');
    expect([endOfTokens(blanks, true), endOfText(blanks, true)]).toEqual([512, 513]);
  });
});

describe('a long answer is left alone', () => {
  const rubric = (at: number): string => `| ${at + 1} | 0 | 0 | yes | no |`;
  const chorus = 'And we will sing it again, oh, and we will sing it again,\nuntil the morning comes to town.\n';
  const answers: [string, string][] = [
    ['a table whose cells are alike', lines(400, rubric)],
    ['an empty table of 30 rows', lines(30, () => '|   |   |   |   |   |   |   |')],
    ['a table of zeros', lines(40, () => '| 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 |')],
    ['a matrix of zeros', `[${lines(30, () => `[${'0, '.repeat(29)}0],`)}]`],
    ['the identity matrix', lines(30, (row) => Array.from({ length: 30 }, (_, at) => (at === row ? 1 : 0)).join(' '))],
    ['an empty HTML table, a cell a line', lines(40, () => `<tr>\n${'  <td></td>\n'.repeat(12)}</tr>`)],
    ['the alphabet, a line each', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ\n'.repeat(40).replaceAll(/\w/g, '$&: $&\n')],
    ['a list of null', JSON.stringify(Array.from({ length: 600 }, () => null))],
    ['answers of one word, a line each', lines(900, () => 'no')],
    ['a row of a table of constants', lines(200, () => 'ok;0;0;n/a')],
    ['an empty HTML table', lines(30, () => `<tr>${'<td></td>'.repeat(6)}</tr>`)],
    ['rulers', lines(25, (at) => `${'-'.repeat(80)}\nPart ${at}`)],
    ['one ruler', '-'.repeat(1500)],
    ['base64 with a run of zeros', `${'A'.repeat(1500)}${Buffer.from(story).toString('base64')}`],
    ['DNA', Array.from({ length: 4000 }, (_, at) => 'ACGT'[(at * at * 7 + (at >> 3)) % 4]).join('')],
    ['a DNA repeat', 'CAG'.repeat(300)],
    ['a song with its chorus', lines(12, (at) => `${at} bottles of beer on the wall\n${chorus}`)],
    ['a chorus sung seven times', chorus.repeat(7)],
    ['a numbered list of the same', lines(300, (at) => `${at + 1}. I must not talk in class.`)],
    ['unrolled code', lines(200, (at) => `  sum += values[${at}] * weights[${at}];`)],
    ['one line of code again and again', lines(200, () => '  x += 1;')],
    ['a C array', `{ ${'0x00, '.repeat(256)}}`],
    ['a board in ASCII', lines(30, () => `|${'....|'.repeat(12)}`)],
    ['a sheet of days', lines(300, (at) => `2026-${1 + (at % 12)}-${1 + (at % 28)},closed,closed,closed`)],
  ];

  test.each(answers)('%s', (_name, text) => {
    expect(tokensIn(text).length).toBeGreaterThan(100);
    expect([endOfTokens(tokensIn(text)), endOfText(tokensIn(text)), endOfText(shifted(text))]).toEqual([
      null,
      null,
      null,
    ]);
  });
});
