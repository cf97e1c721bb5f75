import { createFinder } from '../data/json-text.ts';
import { type Cell, type Members, asMembers } from './cells.ts';
import { type ExportAnswer, answerPaths, noAnswer, readExportAnswer } from './read-answer.ts';

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

const findParts = createFinder({
  ...answerPaths,
  id: 'custom_id',
  error: 'error',
  status: 'response.status_code',
  body: 'response.body',
  bodyError: 'response.body.error',
  row: 'llmbatch.row',
  prompt: 'llmbatch.usage.prompt_tokens',
  completion: 'llmbatch.usage.completion_tokens',
  bodyPrompt: 'response.body.usage.prompt_tokens',
  bodyCompletion: 'response.body.usage.completion_tokens',
  inputTokens: 'response.body.usage.input_tokens',
  outputTokens: 'response.body.usage.output_tokens',
});

/** Reads a result line of llmbatch, or of another program that writes as OpenAI's Batch API does. */
export function readExportRecord(line: string): ExportRecord {
  const found = findParts(line);
  const { id, error, status, body, bodyError, row, prompt, completion } = found;
  const isFailed = error !== undefined || status !== '200';
  const { answer, keys, isJsonAsked, toolCalls, embedding, refusal } = isFailed ? noAnswer : readExportAnswer(found);
  const failure = isFailed ? failureOf(error ?? bodyError, status) : null;
  // Member by member, since a copy of an object that gets more of them takes as long as all the rest.
  return {
    answer,
    keys,
    isJsonAsked,
    toolCalls,
    embedding,
    refusal,
    line,
    id,
    body,
    row: asMembers(row),
    failure: refusal === undefined ? failure : { code: '"refused"', message: refusal },
    promptTokens: prompt ?? found.bodyPrompt ?? found.inputTokens,
    completionTokens: completion ?? found.bodyCompletion ?? found.outputTokens,
  };
}

const findFailure = createFinder({ code: 'code', type: 'type', message: 'message' });

/** Why there is no answer, in the words of the result or of the server. */
function failureOf(told: Cell, status: Cell): Failure {
  const { code, type, message } = findFailure(told ?? '');
  return { code: code ?? type ?? status ?? '"unknown"', message: message ?? told };
}
