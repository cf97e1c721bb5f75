import type { Ajv, ValidateFunction } from 'ajv';
import {
  type Answer,
  type Completion,
  type Failure,
  answerText,
  choiceText,
  failure,
  rejection,
} from '../core/completion.ts';
import { messageOf } from '../core/errors.ts';
import { notMeasured } from '../core/format.ts';
import type { BatchRequest } from '../core/request.ts';

/** An answer that may be recorded as a success, or why it may not. */
export type Verdict =
  | { answer: Completion; parsed?: unknown }
  | { answer: Failure; rejected?: { content: string; finish_reason: string } };

/** What of an answer is checked for one request. */
export interface AnswerCheck {
  (answer: Answer): Verdict;
}

export interface AnswerVerifier {
  /** Prepares the check of a request's answer; a failure when the request asks for something that can't be checked. */
  prepare: (request: BatchRequest) => Promise<AnswerCheck | Failure> | AnswerCheck | Failure;
}

/**
 * Decides whether an answer is whole: not cut, not filtered, and JSON of the schema that the request asked for, whatever
 * the engine promised.
 */
export function createVerifier({ allowTruncated }: { allowTruncated: boolean }): AnswerVerifier {
  const compile = createSchemaCompiler();
  const plain: AnswerCheck = (answer) => checkFinish(answer, allowTruncated);
  return {
    prepare(request) {
      const format = request.body['response_format'] as ResponseFormat | null | undefined;
      if (format === undefined || format === null || format.type === 'text') return plain;
      if (format.type === 'json_object') return (answer) => checkJson(plain(answer), null);
      return prepareSchema(format, compile, plain);
    },
  };
}

interface ResponseFormat {
  type?: string;
  json_schema?: { schema?: unknown };
}

async function prepareSchema(
  format: ResponseFormat,
  compile: (schema: object) => Promise<ValidateFunction>,
  plain: AnswerCheck,
): Promise<AnswerCheck | Failure> {
  const schema = format.json_schema?.schema;
  if (format.type !== 'json_schema' || typeof schema !== 'object' || schema === null) {
    return failure('bad-request', 'response_format is none of text, json_object, json_schema with a schema');
  }
  try {
    const validate = await compile(schema);
    return (answer) => checkJson(plain(answer), validate);
  } catch (error) {
    return failure('bad-request', `the JSON schema is not valid: ${messageOf(error)}`);
  }
}

function checkFinish(answer: Answer, allowTruncated: boolean): Verdict {
  if (answer.status === 'failed') return { answer };
  const reasons = answer.body.choices?.map((choice) => choice.finish_reason) ?? [];
  const rejected = (kind: 'truncated' | 'refused', message: string): Verdict => ({
    answer: rejection(answer, kind, message),
    rejected: { content: answerText(answer.body), finish_reason: reasons.join(', ') },
  });
  if (reasons.includes('content_filter')) return rejected('refused', "the server's content filter cut the answer");
  if (reasons.includes('length') && !allowTruncated) {
    const tokens = answer.body.usage?.completion_tokens ?? notMeasured;
    const way = 'raise max_tokens, or accept cut answers with --allow-truncated';
    return rejected('truncated', `the answer was cut after ${tokens} tokens: ${way}`);
  }
  return { answer };
}

/** Each choice must be of the schema; what is parsed of the first stands beside the answer. */
function checkJson(verdict: Verdict, validate: ValidateFunction | null): Verdict {
  const { answer } = verdict;
  if (answer.status === 'failed') return verdict;
  const { choices = [] } = answer.body;
  const parsed: unknown[] = [];
  for (const choice of choices.length === 0 ? [undefined] : choices) {
    const content = choiceText(choice);
    const reject = (message: string): Verdict => ({
      answer: rejection(answer, 'schema-invalid', message),
      rejected: { content, finish_reason: choice?.finish_reason ?? '' },
    });
    try {
      parsed.push(JSON.parse(content));
    } catch (error) {
      return reject(`the answer is not JSON: ${messageOf(error)}`);
    }
    if (validate !== null && !validate(parsed.at(-1))) return reject(describeMismatch(validate));
  }
  return { answer, parsed: parsed[0] };
}

function describeMismatch({ errors }: ValidateFunction): string {
  const [problem] = errors ?? [];
  return `the answer is not of the schema: ${problem?.instancePath || 'it'} ${problem?.message}`;
}

/** Compiled schemas are kept: a run has one, or a few. */
const mostSchemas = 1000;

function createSchemaCompiler(): (schema: object) => Promise<ValidateFunction> {
  const compiled = new Map<string, Promise<ValidateFunction>>();
  return (schema) => {
    const key = JSON.stringify(schema);
    const known = compiled.get(key);
    if (known !== undefined) return known;
    if (compiled.size >= mostSchemas) compiled.clear();
    const validator = compileSchema(schema);
    compiled.set(key, validator);
    return validator;
  };
}

/** Draft 7 where the schema says so, else 2020-12. */
export async function compileSchema(schema: object): Promise<ValidateFunction> {
  const dialect = '$schema' in schema ? String(schema.$schema) : '';
  const options = { strict: false, logger: false } as const;
  const { Ajv: Draft7 } = await import('ajv');
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  const ajv: Ajv = dialect.includes('draft-07') ? new Draft7(options) : new Ajv2020(options);
  return ajv.compile(schema);
}
