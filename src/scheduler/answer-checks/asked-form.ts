import { type AnswerFormat, formKeys, readFormat, unwrapSchema } from '../../core/answer-format.ts';
import { isRecord } from '../../data/is-record.ts';
import type { RequestBody } from '../../core/request.ts';

/** The form that a request asks its answer to have. */
export type AskedForm =
  | AnswerFormat
  | { type: 'choice'; key: string; choices: string[] }
  | { type: 'pattern'; key: string; pattern: string }
  /** A grammar: only the engine knows whether an answer keeps to it. */
  | { type: 'unchecked'; key: string };

const isFormKey: ReadonlySet<string> = new Set(formKeys);

/**
 * The form that a body asks for, by whichever key an engine has for it: OpenAI's `response_format`, vLLM's
 * `structured_outputs` and its older `guided_*`, llama-server's and SGLang's own. Null where it asks for none; a text
 * says what is wrong with it. One form is enough for an answer: the first that is given counts.
 */
export function askedForm(body: RequestBody): AskedForm | string | null {
  // Most bodies have three keys, and none of these.
  return Object.keys(body).some((key) => isFormKey.has(key)) ? firstForm(body) : null;
}

function firstForm(body: RequestBody): AskedForm | string | null {
  for (const key of formKeys) {
    const value = body[key];
    if (value === undefined || value === null) continue;
    const reader = readers[key];
    const form = reader === undefined ? ({ type: 'unchecked', key } as const) : reader(value, key);
    if (form !== null && (typeof form === 'string' || form.type !== 'text')) return form;
  }
  return null;
}

const readers: Partial<Record<(typeof formKeys)[number], (value: unknown, key: string) => AskedForm | string | null>> =
  {
    response_format: (value, key) =>
      isRecord(value) && value['type'] === 'structural_tag' ? { type: 'unchecked', key } : readFormat(value),
    structured_outputs: (value) => (isRecord(value) ? structured(value) : 'structured_outputs is not an object'),
    guided_json: schemaForm,
    json_schema: schemaForm,
    // Ollama's.
    format: (value, key) =>
      value === 'json' ? { type: 'json_object' } : isRecord(value) ? schemaForm(value, key) : null,
    guided_choice: choiceForm,
    guided_regex: patternForm,
    regex: patternForm,
  };

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

function structured({
  json,
  json_object: any,
  choice,
  regex,
  ...others
}: Record<string, unknown>): AskedForm | string | null {
  if (isGiven(json)) return schemaForm(json, 'structured_outputs.json');
  if (any === true) return { type: 'json_object' };
  if (isGiven(choice)) return choiceForm(choice, 'structured_outputs.choice');
  if (isGiven(regex)) return patternForm(regex, 'structured_outputs.regex');
  const other = ['grammar', 'structural_tag'].find((key) => isGiven(others[key]));
  return other === undefined ? null : { type: 'unchecked', key: `structured_outputs.${other}` };
}

/** vLLM and SGLang take a schema as a text too. */
function schemaForm(value: unknown, key: string): AskedForm | string {
  const schema = unwrapSchema(typeof value === 'string' ? parsed(value) : value);
  return typeof schema === 'string' ? `\`${key}\`: ${schema}` : { type: 'json_schema', schema };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function choiceForm(value: unknown, key: string): AskedForm | string {
  const isList = Array.isArray(value) && value.length > 0 && value.every((choice) => typeof choice === 'string');
  return isList ? { type: 'choice', key, choices: value } : `\`${key}\` is not a list of texts`;
}

function patternForm(value: unknown, key: string): AskedForm | string {
  return typeof value === 'string' ? { type: 'pattern', key, pattern: value } : `\`${key}\` is not a text`;
}
