/**
 * Says where a text stops being JSON, and what is expected there: `comma ',' expected after value but got '"' (line 3,
 * column 5)`. JSON.parse names a position only sometimes, and its words are those of the engine.
 */
export async function describeJsonMistake(text: string): Promise<string> {
  const { parse } = await import('lossless-json');
  try {
    parse(text, null, { onDuplicateKey: ({ newValue }) => newValue });
  } catch (error) {
    if (error instanceof SyntaxError) return inWords(error.message, text);
  }
  return 'no value can be read';
}

function inWords(message: string, text: string): string {
  const [, words = message, position] = /^(.*?) at position (\d+)$/s.exec(message) ?? [];
  const lines = text.slice(0, Number(position ?? text.length)).split('\n');
  const first = words.startsWith('JSON') ? words.charAt(0) : words.charAt(0).toLowerCase();
  const sentence = first + words.slice(1).replaceAll(/\s+/g, ' ');
  return `${sentence} (line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1})`;
}
