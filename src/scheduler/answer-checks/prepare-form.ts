import { type Failure, failure } from '../../core/completion.ts';
import { shorten } from '../../text/format.ts';
import type { JsonSchema } from '../../core/json-schema.ts';
import type { BatchRequest, RequestBody } from '../../core/request.ts';
import { type AskedForm, askedForm } from './asked-form.ts';
import type { CheckThread } from './check-thread.ts';
import { type FitsSchema, type FormCheck, choiceCheck, jsonCheck, patternCheck } from './form-checks.ts';
import type { SchemaHolder, SchemaTeller } from './held-schemas.ts';

/** The check of an answer's form; `hint` names what may be to blame where the answer was cut. */
export interface PreparedForm {
  check: FormCheck;
  hint: string;
}

interface Tools {
  thread: CheckThread;
  tell: SchemaTeller;
  holder: SchemaHolder;
}

interface PreparedSchema {
  text: string;
  unheld: readonly string[];
  /** Returns what is wrong with the text; null where nothing is. */
  problem: string | null;
}

export type PrepareForm = (request: BatchRequest) => Promise<PreparedForm | Failure> | PreparedForm | Failure | null;

/**
 * Prepares the check of what form a request asks for; null where it asks for none. A failure where it can't be checked.
 */
export function createFormPreparer(tools: Tools): PrepareForm {
  const schemas = createSchemas(tools);
  const told = new Set<string>();
  return ({ body, endpoint }) => {
    const form = askedForm(body);
    if (form === null) return null;
    if (typeof form === 'string') return failure('bad-request', form);
    if (endpoint === '/v1/embeddings')
      return failure(
        'bad-request',
        'an embedding has no text that could be of a form: remove the schema or response_format',
      );
    if (form.type === 'json_schema') return schemaForm(form.schema, schemas, tools);
    if (form.type !== 'unchecked') return simpleForm(form, body, tools.thread);
    const text = `\`${form.key}\`: whether answers keep to a grammar is not checked`;
    if (!told.has(form.key)) tools.holder.notify({ topic: 'schema', text });
    told.add(form.key);
    return { check: () => ({ unchecked: form.key }), hint: '' };
  };
}

type SimpleForm = Exclude<AskedForm, { type: 'json_schema' | 'unchecked' }>;

function simpleForm(
  form: SimpleForm,
  body: RequestBody,
  thread: CheckThread,
): Promise<PreparedForm | Failure> | PreparedForm | null {
  if (form.type === 'text') return null;
  if (form.type === 'json_object') return { check: jsonCheck(isContainer), hint: '' };
  if (form.type === 'pattern') return patternForm(form, body, thread);
  return { check: choiceCheck(form.choices, { key: form.key, body }), hint: '' };
}

/** A list is allowed: vLLM and llama-server give one where the prompt asks for it. */
const isContainer: FitsSchema = async (json) =>
  /^\s*[[{]/.test(json) ? null : `the answer is JSON, but not an object, as json_object requires: ${shorten(json)}`;

async function patternForm(
  { key, pattern }: { key: string; pattern: string },
  body: RequestBody,
  thread: CheckThread,
): Promise<PreparedForm | Failure> {
  const reply = await thread.run({ type: 'pattern', pattern });
  if (reply?.problem) return failure('bad-request', `\`${key}\` can't be checked: ${reply.problem}`);
  return { check: patternCheck(pattern, { key, body }, thread), hint: '' };
}

async function schemaForm(
  schema: JsonSchema,
  schemas: Schemas,
  { thread, holder }: Tools,
): Promise<PreparedForm | Failure> {
  const { text, unheld, problem } = await schemas(schema);
  if (problem !== null) return failure('bad-request', `the JSON schema can't be used: ${problem}`);
  const names = unheld.map((word) => `\`${word}\``).join(', ');
  const check = jsonCheck(async (json) => {
    const reply = await thread.run({ type: 'schema', schema: text, json });
    if (reply === null) return 'stopped';
    if (reply.problem === null) return null;
    const isUnheld = unheld.some((word) => word.split(':')[0] === reply.keyword);
    const why = isUnheld ? ` (${holder.name} does not enforce \`${reply.keyword}\`)` : '';
    return `the answer is not of the schema: ${reply.problem}${why}`;
  });
  return {
    check,
    hint:
      names === '' ? '' : `${holder.name} does not enforce ${names}, so the answer may not end; simplify the schema, `,
  };
}

type Schemas = (schema: JsonSchema) => Promise<PreparedSchema>;

/** Prepared schemas are kept: a run has one, or a few. */
const maxSchemas = 1000;

function createSchemas({ thread, tell }: Tools): Schemas {
  // That of `--schema` is the same object in each request.
  const byObject = new WeakMap<JsonSchema, Promise<PreparedSchema>>();
  const byText = new Map<string, Promise<PreparedSchema>>();
  const prepare = async (schema: JsonSchema, text: string): Promise<PreparedSchema> => {
    const reply = await thread.run({ type: 'compile', schema: text });
    const problem = reply?.problem ?? null;
    return { text, problem, unheld: problem === null ? tell(schema) : [] };
  };
  return async (schema) => {
    const known = byObject.get(schema);
    if (known !== undefined) return known;
    const text = JSON.stringify(schema);
    if (byText.size >= maxSchemas) byText.clear();
    const prepared = byText.get(text) ?? prepare(schema, text);
    byText.set(text, prepared);
    byObject.set(schema, prepared);
    return prepared;
  };
}
