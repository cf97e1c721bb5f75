import { isRecord } from '../../data/is-record.ts';
import { geminiToMessages, responsesToChat, talksToMessages, turnWith } from './jq-programs.ts';

type Row = Record<string, unknown>;

interface Shape {
  matches: (row: Row) => boolean;
  /** What it is, and the command that mends it. */
  says: (row: Row) => string;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const template = (text: string): string => `give --prompt-template '${text}'`;

/** Shapes of lines that are no requests here, most special first. */
const shapes: readonly Shape[] = [
  {
    matches: ({ params }) => isRecord(params) && Array.isArray(params['messages']),
    says: () => `an Anthropic batch line: ${turnWith('{custom_id} + .params')}`,
  },
  {
    matches: ({ request, contents }) => Array.isArray(contents) || (isRecord(request) && 'contents' in request),
    says: () => `a Gemini request: ${turnWith(geminiToMessages)}`,
  },
  {
    matches: ({ modelInput }) => isRecord(modelInput),
    says: () => `a Bedrock batch line: ${turnWith('{id: .recordId} + .modelInput | del(.anthropic_version)')}`,
  },
  {
    matches: ({ conversations, conversation }) => isTalk(conversations) || isTalk(conversation),
    says: () => `a ShareGPT conversation: ${turnWith(talksToMessages)}`,
  },
  {
    matches: ({ response, custom_id: id }) => id !== undefined && isRecord(response) && 'body' in response,
    says: () => "a line of a batch's results, no request: give the file that the batch was made of",
  },
  {
    matches: ({ input, model, instructions }) =>
      Array.isArray(input) || (isText(input) && isText(instructions ?? model)),
    says: () => `a request of the Responses API: ${turnWith(`{body: ., url: ""} | ${responsesToChat}`)}`,
  },
  {
    matches: ({ instruction, output }) => isText(instruction) && isText(output),
    says: () => `an Alpaca line: ${template('{{instruction}}{{#input}} {{input}}{{/input}}')}`,
  },
  {
    matches: ({ inputs, parameters }) => isText(inputs) && isRecord(parameters),
    says: () => {
      const settings = '.parameters | {max_tokens: .max_new_tokens, temperature, top_p, top_k, seed, stop}';
      return `a request of Hugging Face's API: ${turnWith(`{id, prompt: .inputs} + (${settings})`)}`;
    },
  },
];

const isTalk = (talk: unknown): boolean => Array.isArray(talk) && talk.some((turn) => isRecord(turn) && 'from' in turn);

/** Fields that mostly hold what is asked, the likeliest first. */
const promptFields = 'question instruction inputs input query message text content sentence document user'.split(' ');

/** Says what a line without a prompt is, and what to do. */
export function describeForeignShape(row: Row): string {
  const shape = shapes.find(({ matches }) => matches(row));
  if (shape !== undefined) return shape.says(row);
  const fields = Object.keys(row).filter((name) => name !== 'id' && name !== 'custom_id');
  const found = promptFields.find((name) => isText(row[name])) ?? fields.find((name) => isText(row[name]));
  const lack = 'no prompt: the line has none of "body", "messages", "prompt"';
  return found === undefined || !/^[\w.-]+$/.test(found)
    ? `${lack}; fields of other names need --prompt-template`
    : `${lack}; to send its field "${found}": --prompt-template '{{${found}}}'`;
}
