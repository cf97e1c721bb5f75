import type { ErrorObject, ValidateFunction } from 'ajv';
import { messageOf } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/json-schema.ts';
import { compileSchema, readPattern } from './compile-schema.ts';
import { describeMismatch } from './describe-mismatch.ts';

/** Schemas and answers come as texts: these are handed to a thread for next to nothing. */
export type CheckTask =
  | { type: 'compile'; schema: string }
  | { type: 'schema'; schema: string; json: string }
  | { type: 'pattern'; pattern: string }
  | { type: 'match'; pattern: string; text: string };

/** `problem`: null where all is well. `keyword`: the one of the schema that the value does not keep to. */
export interface CheckReply {
  problem: string | null;
  keyword?: string;
}

/** Checks an answer against a schema. It never throws: any error counts as a fault of the schema or of the answer. */
export function runCheck(task: CheckTask): CheckReply {
  try {
    return run(task);
  } catch (error) {
    return {
      problem: error instanceof RangeError ? 'it is too large, or nested too deep, to be checked' : messageOf(error),
    };
  }
}

function run(task: CheckTask): CheckReply {
  if (task.type === 'schema') return fits(compiled(task.schema), JSON.parse(task.json));
  if (task.type === 'match') return { problem: whole(task.pattern).test(task.text) ? null : 'it does not match' };
  if (task.type === 'compile') compiled(task.schema);
  else whole(task.pattern);
  return { problem: null };
}

function fits(validate: ValidateFunction, value: unknown): CheckReply {
  if (validate(value)) return { problem: null };
  const errors: ErrorObject[] = validate.errors ?? [];
  const keyword = errors[0]?.keyword;
  return { problem: describeMismatch(errors, value), ...(keyword === undefined ? {} : { keyword }) };
}

/** Compiled schemas are kept: a run has one, or a few. */
const maxSchemas = 1000;
const schemas = new Map<string, ValidateFunction>();

function compiled(text: string): ValidateFunction {
  const known = schemas.get(text);
  if (known !== undefined) return known;
  if (schemas.size >= maxSchemas) schemas.clear();
  const validate = compileSchema(JSON.parse(text) as JsonSchema);
  schemas.set(text, validate);
  return validate;
}

/** `guided_regex` is about the answer from its beginning to its end. */
const whole = (pattern: string): RegExp =>
  new RegExp(`^(?:${readPattern(pattern).source})$`, readPattern(pattern).flags);
