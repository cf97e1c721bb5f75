import { type Cell, type Members, asList, asMembers, pick, textIn } from './cells.ts';

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
  /** What it cost. */
  usage: Cell;
}

export const noAnswer: ExportAnswer = {
  answer: undefined,
  keys: null,
  isJsonAsked: false,
  toolCalls: undefined,
  embedding: undefined,
  refusal: undefined,
  usage: undefined,
};

/** Reads the answer out of the body of a response: a chat, a completion, embeddings, or the output of `/v1/responses`. */
export function readExportAnswer(body: Cell, parsed: Cell): ExportAnswer {
  const [choices, data, output, usage] = pick(body, 'choices', 'data', 'output', 'usage');
  const found = { ...noAnswer, usage };
  if (choices !== undefined) return readChoices(found, asList(choices), parsed);
  if (data !== undefined) return { ...found, embedding: embeddingOf(asList(data)) };
  return withKeys({ ...found, answer: outputOf(asList(output)) });
}

function readChoices(found: ExportAnswer, choices: readonly string[], parsed: Cell): ExportAnswer {
  const [message, text] = pick(choices[0], 'message', 'text');
  const [content, calls, refusal] = pick(message, 'content', 'tool_calls', 'refusal');
  const toolCalls = calls === '[]' ? undefined : calls;
  if (choices.length > 1) {
    return { ...found, toolCalls, answer: `[${choices.map((choice) => textOfChoice(choice) ?? 'null').join(',')}]` };
  }
  const answer = content ?? text;
  if (answer === undefined) return { ...found, toolCalls, refusal };
  if (parsed === undefined) return withKeys({ ...found, toolCalls, answer });
  const written = asWritten(textIn(answer) ?? '', parsed);
  return { ...found, toolCalls, answer: written, keys: objectIn(written), isJsonAsked: true };
}

function textOfChoice(choice: Cell): Cell {
  const [message, text] = pick(choice, 'message', 'text');
  return pick(message, 'content')[0] ?? text;
}

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
  const vectors = data.map((each) => pick(each, 'embedding')[0] ?? 'null');
  return vectors.length === 1 ? vectors[0] : `[${vectors.join(',')}]`;
}

/** The texts of the messages in an output of `/v1/responses`. */
function outputOf(output: readonly string[]): Cell {
  const parts = output.flatMap((item) => asList(pick(item, 'content')[0]));
  const texts = parts.map((part) => textIn(pick(part, 'text')[0])).filter((text) => text !== null);
  return texts.length === 0 ? undefined : JSON.stringify(texts.join(''));
}
