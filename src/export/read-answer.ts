import { asWritten, canonical } from '../data/json-as-written.ts';
import { type JsonValues, createFinder } from '../data/json-text.ts';
import { type Cell, type Members, asList, asMembers, textIn } from './cells.ts';

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

/** Where in a result line its answer lies. */
export const answerPaths = {
  choices: 'response.body.choices',
  secondChoice: 'response.body.choices.1',
  content: 'response.body.choices.0.message.content',
  toolCalls: 'response.body.choices.0.message.tool_calls',
  refusal: 'response.body.choices.0.message.refusal',
  text: 'response.body.choices.0.text',
  data: 'response.body.data',
  output: 'response.body.output',
  parsed: 'llmbatch.parsed',
};

/** Reads the answer of a response: of a chat, a completion, embeddings, or the output of `/v1/responses`. */
export function readExportAnswer(found: JsonValues<keyof typeof answerPaths>): ExportAnswer {
  const { choices, data, output } = found;
  if (choices !== undefined) return readChoices(found);
  if (data !== undefined) return { ...noAnswer, embedding: embeddingOf(asList(data)) };
  return withKeys({ ...noAnswer, answer: outputOf(asList(output)) });
}

function readChoices(found: JsonValues<keyof typeof answerPaths>): ExportAnswer {
  const { choices, secondChoice, content, text, refusal, parsed } = found;
  const toolCalls = found.toolCalls === '[]' ? undefined : found.toolCalls;
  if (secondChoice !== undefined) {
    return { ...noAnswer, toolCalls, answer: `[${asList(choices).map(textOfChoice).join(',')}]` };
  }
  const answer = content ?? text;
  if (answer === undefined) return { ...noAnswer, toolCalls, refusal };
  if (parsed === undefined) return withKeys({ ...noAnswer, toolCalls, answer });
  const written = asWritten(textIn(answer) ?? '', parsed);
  return { ...noAnswer, toolCalls, answer: written, keys: objectIn(written), isJsonAsked: true };
}

const findText = createFinder({ content: 'message.content', text: 'text' });

function textOfChoice(choice: string): string {
  const { content, text } = findText(choice);
  return content ?? text ?? 'null';
}

const objectIn = (cell: Cell): Members | null => (cell?.startsWith('{') === true ? asMembers(cell) : null);

/** Takes an answer for JSON that is nothing but an object, though nobody asked for JSON as far as is known. */
function withKeys(found: ExportAnswer): ExportAnswer {
  const text = textIn(found.answer)?.trim();
  return text?.startsWith('{') === true && canonical(text) !== null ? { ...found, keys: asMembers(text) } : found;
}

const findVector = createFinder({ embedding: 'embedding' });

/** The one vector of a request, or the list of several. */
function embeddingOf(data: readonly string[]): Cell {
  const vectors = data.map((each) => findVector(each).embedding ?? 'null');
  return vectors.length === 1 ? vectors[0] : `[${vectors.join(',')}]`;
}

const findContent = createFinder({ content: 'content' });
const findPart = createFinder({ text: 'text' });

/** The texts of the messages in an output of `/v1/responses`. */
function outputOf(output: readonly string[]): Cell {
  const parts = output.flatMap((item) => asList(findContent(item).content));
  const texts = parts.map((part) => textIn(findPart(part).text)).filter((text) => text !== null);
  return texts.length === 0 ? undefined : JSON.stringify(texts.join(''));
}
