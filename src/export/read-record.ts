import { type Cell, type Members, asMembers, pick } from './cells.ts';
import { type ExportAnswer, noAnswer, readExportAnswer } from './read-answer.ts';

/** What a table may show of one result. */
export interface ExportRecord extends ExportAnswer {
  /** The whole line. */
  line: string;
  id: Cell;
  /** The body of the response. */
  body: Cell;
  /** The fields of the row that the request was made of. */
  row: Members;
  failure: Failure | null;
  promptTokens: Cell;
  completionTokens: Cell;
}

interface Failure {
  code: Cell;
  message: Cell;
}

/** Reads a result line of llmbatch, or of another program that writes as OpenAI's Batch API does. */
export function readExportRecord(line: string): ExportRecord {
  const [id, response, error, details] = pick(line, 'custom_id', 'response', 'error', 'llmbatch');
  const [status, body] = pick(response, 'status_code', 'body');
  const [row, parsed, spent] = pick(details, 'row', 'parsed', 'usage');
  const failure = error === undefined && status === '200' ? null : failureOf(error, status, body);
  const answer = failure === null ? readExportAnswer(body, parsed) : noAnswer;
  const [prompt, completion, input, output] = pick(
    spent ?? answer.usage,
    'prompt_tokens',
    'completion_tokens',
    'input_tokens',
    'output_tokens',
  );
  return {
    ...answer,
    line,
    id,
    body,
    row: asMembers(row),
    failure: answer.refusal === undefined ? failure : { code: '"refused"', message: answer.refusal },
    promptTokens: prompt ?? input,
    completionTokens: completion ?? output,
  };
}

/** Why there is no answer, in the words of the result or of the server. */
function failureOf(error: Cell, status: Cell, body: Cell): Failure {
  const told = error ?? pick(body, 'error')[0];
  const [code, type, message] = pick(told, 'code', 'type', 'message');
  return { code: code ?? type ?? status ?? '"unknown"', message: message ?? told };
}
