import { membersOf } from '../data/json-text.ts';
import { type Cell, type Members, membersIn, valueIn } from './cells.ts';
import { type ExportAnswer, noAnswer, readExportAnswer } from './read-answer.ts';

/** What a table may show of one result. */
export interface ExportRecord extends ExportAnswer {
  /** The members of the whole line. */
  result: Members;
  /** The body of the response. */
  body: Members;
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
  const result = membersOf(line);
  const response = membersIn(result, 'response');
  const body = membersIn(response, 'body');
  const details = membersIn(result, 'llmbatch');
  const failure = failureOf(result, response, body);
  const answer = failure === null ? readExportAnswer(body, details) : noAnswer;
  const usage = membersIn(details.has('usage') ? details : body, 'usage');
  return {
    ...answer,
    result,
    body,
    row: membersIn(details, 'row'),
    failure: answer.refusal === undefined ? failure : { code: '"refused"', message: answer.refusal },
    promptTokens: valueIn(usage, 'prompt_tokens') ?? valueIn(usage, 'input_tokens'),
    completionTokens: valueIn(usage, 'completion_tokens') ?? valueIn(usage, 'output_tokens'),
  };
}

/** Why there is no answer, in the words of the result or of the server; null where there is one. */
function failureOf(result: Members, response: Members, body: Members): Failure | null {
  const error = valueIn(result, 'error');
  const status = valueIn(response, 'status_code');
  if (error === undefined && status === '200') return null;
  const told = membersIn(error === undefined ? body : result, 'error');
  return {
    code: valueIn(told, 'code') ?? valueIn(told, 'type') ?? status ?? '"unknown"',
    message: valueIn(told, 'message') ?? error ?? valueIn(body, 'error'),
  };
}
