import { type Cell, type Members, asList, asMembers, listIn, membersIn, textIn, valueIn } from './cells.ts';

/** The answer of a result, as the columns of a table have it. */
export interface ExportAnswer {
  /** The text, or the JSON where it was asked for; of several choices a list. */
  answer: Cell;
  /** The answer as a JSON object. */
  keys: Members | null;
  /** JSON was asked for. Where it was not, an answer may be JSON by chance. */
  isJsonAsked: boolean;
  toolCalls: Cell;
  embedding: Cell;
  /** The model's own words of a refusal, which stand in place of an answer. */
  refusal: Cell;
}

export const noAnswer: ExportAnswer = {
  answer: undefined,
  keys: null,
  isJsonAsked: false,
  toolCalls: undefined,
  embedding: undefined,
  refusal: undefined,
};

/** Reads the answer out of the body of a response: a chat, a completion, embeddings, or the output of `/v1/responses`. */
export function readExportAnswer(body: Members, details: Members): ExportAnswer {
  const choices = listIn(body, 'choices');
  if (choices.length > 0) return readChoices(choices, details.get('parsed'));
  if (body.has('data')) return { ...noAnswer, embedding: embeddingOf(listIn(body, 'data')) };
  return withKeys({ ...noAnswer, answer: outputOf(listIn(body, 'output')) });
}

function readChoices(choices: readonly string[], parsed: Cell): ExportAnswer {
  const [first, ...others] = choices.map(asMembers);
  const message = membersIn(first!, 'message');
  const calls = valueIn(message, 'tool_calls');
  const found = { ...noAnswer, toolCalls: calls === '[]' ? undefined : calls };
  if (others.length > 0) {
    const texts = [first!, ...others].map((choice) => textOfChoice(choice) ?? 'null');
    return { ...found, answer: `[${texts.join(',')}]` };
  }
  const answer = textOfChoice(first!);
  if (answer === undefined) return { ...found, refusal: valueIn(message, 'refusal') };
  if (parsed === undefined) return withKeys({ ...found, answer });
  const written = asWritten(textIn(answer) ?? '', parsed);
  return { ...found, answer: written, keys: objectIn(written), isJsonAsked: true };
}

const textOfChoice = (choice: Members): Cell =>
  valueIn(membersIn(choice, 'message'), 'content') ?? valueIn(choice, 'text');

const objectIn = (cell: Cell): Members | null => (cell?.startsWith('{') === true ? asMembers(cell) : null);

/** Takes an answer for JSON that is nothing but an object, though nobody asked for JSON as far as is known. */
function withKeys(found: ExportAnswer): ExportAnswer {
  const text = textIn(found.answer)?.trim();
  return text?.startsWith('{') === true && canonical(text) !== null ? { ...found, keys: asMembers(text) } : found;
}

/**
 * The JSON of an answer as the model wrote it. The value that was recorded beside it went through numbers, which rounds
 * long ones, so it counts only where the JSON is not found in the text.
 */
function asWritten(text: string, parsed: string): string {
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  const candidates = [text.trim(), text.slice(Math.max(0, text.search(/[[{]/)), end + 1)];
  return candidates.find((candidate) => canonical(candidate) === parsed) ?? parsed;
}

/** The JSON as it is recorded; null where the text is not JSON. */
function canonical(text: string): string | null {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The one vector of a request, or the list of several. */
function embeddingOf(data: readonly string[]): Cell {
  const vectors = data.map((each) => valueIn(asMembers(each), 'embedding') ?? 'null');
  return vectors.length === 1 ? vectors[0] : `[${vectors.join(',')}]`;
}

/** The texts of the messages in an output of `/v1/responses`. */
function outputOf(output: readonly string[]): Cell {
  const parts = output.flatMap((item) => asList(asMembers(item).get('content'))).map(asMembers);
  const texts = parts.map((part) => textIn(part.get('text'))).filter((text) => text !== null);
  return texts.length === 0 ? undefined : JSON.stringify(texts.join(''));
}
