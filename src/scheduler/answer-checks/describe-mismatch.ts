import type { ErrorObject } from 'ajv';
import { shorten } from '../../text/format.ts';
import { isRecord } from '../../data/is-record.ts';

/** Says in a sentence what of a value its schema does not allow: where it stands, what it is, and what was expected. */
export function describeMismatch(errors: readonly ErrorObject[], root: unknown): string {
  const last = errors.at(-1);
  const problem = isChoice(last) ? last : errors[0];
  if (problem === undefined) return 'it does not fit';
  const { instancePath: path, keyword, data } = problem;
  const params = problem.params as Record<string, unknown>;
  const place = path === '' ? 'the whole' : path;
  const sentence = sentences[keyword];
  const value = data === undefined ? root : data;
  return `${place} ${sentence === undefined ? `is ${shorten(value)}, and ${problem.message}` : sentence(params, value, problem)}`;
}

/** Says whether an error is that of a choice between schemas; the errors of the single schemas come before it. */
const isChoice = (error: ErrorObject | undefined): error is ErrorObject =>
  error?.keyword === 'anyOf' || (error?.keyword === 'oneOf' && error.params['passingSchemas'] === null);

type Sentence = (params: Record<string, unknown>, value: unknown, error: ErrorObject) => string;

const bounds: Record<string, string> = { '<=': 'at most', '>=': 'at least', '<': 'below', '>': 'above' };
const bound: Sentence = ({ comparison, limit }, value) =>
  `is ${shorten(value)}, and must be ${bounds[String(comparison)]} ${String(limit)}`;
const notAllowed =
  (name: string): Sentence =>
  (params) =>
    `has the key ${shorten(params[name])}, which is not allowed`;
const size =
  (amount: string, unit: string, count: (value: never) => number): Sentence =>
  ({ limit }, value) =>
    `has ${count(value as never)} ${unit}, and must have ${amount} ${String(limit)}`;
const ofText = (value: string): number => Array.from(value).length;
const ofList = (value: unknown[]): number => value.length;
const ofObject = (value: object): number => Object.keys(value).length;
const missing: Sentence = ({ missingProperty }) => `has no ${shorten(missingProperty)}`;

const sentences: Record<string, Sentence> = {
  type: ({ type }, value) => `is ${shorten(value)}, and must be of the type ${[type].flat().join(' or ')}`,
  required: missing,
  dependentRequired: missing,
  additionalProperties: notAllowed('additionalProperty'),
  unevaluatedProperties: notAllowed('unevaluatedProperty'),
  enum: ({ allowedValues }, value) => `is ${shorten(value)}, and must be one of ${shorten(allowedValues)}`,
  const: ({ allowedValue }, value) => `is ${shorten(value)}, and must be ${shorten(allowedValue)}`,
  minimum: bound,
  maximum: bound,
  exclusiveMinimum: bound,
  exclusiveMaximum: bound,
  multipleOf: ({ multipleOf }, value) => `is ${shorten(value)}, and must be a multiple of ${String(multipleOf)}`,
  pattern: ({ pattern }, value) => `is ${shorten(value)}, and must match the pattern ${shorten(pattern)}`,
  format: ({ format }, value) => `is ${shorten(value)}, and must be of the format ${String(format)}`,
  minLength: size('at least', 'characters', ofText),
  maxLength: size('at most', 'characters', ofText),
  minItems: size('at least', 'items', ofList),
  maxItems: size('at most', 'items', ofList),
  minProperties: size('at least', 'keys', ofObject),
  maxProperties: size('at most', 'keys', ofObject),
  uniqueItems: ({ i, j }) => `contains the same item twice (${String(j)} and ${String(i)}, from 0)`,
  anyOf: fitsNone,
  oneOf: (params, value, error) =>
    params['passingSchemas'] === null
      ? fitsNone(params, value, error)
      : `is ${shorten(value)}, and fits more than one of the forms, of which it must fit one`,
};

const maxForms = 5;

function fitsNone(_params: unknown, value: unknown, { schema }: ErrorObject): string {
  const forms = Array.isArray(schema) ? [...new Set(schema.map(formOf))] : [];
  const named = forms.length > maxForms ? [...forms.slice(0, maxForms), '...'] : forms;
  return `is ${shorten(value)}, and matches none of the allowed forms: ${named.join(', ')}`;
}

const typeNames = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'].map(shorten).join(' or ');

/** `simpleTypes` is a place in the schema of schemas. */
function nameOf(reference: string): string {
  const name = reference.split('/').at(-1) ?? reference;
  return name === 'simpleTypes' ? typeNames : name;
}

/** One of the forms in words, by what tells it from others. */
function formOf(schema: unknown): string {
  if (!isRecord(schema)) return 'none';
  const { const: fixed, enum: values, $ref: reference, title, required } = schema;
  if (fixed !== undefined) return shorten(fixed);
  if (Array.isArray(values)) return values.map(shorten).join(' or ');
  if (typeof reference === 'string') return nameOf(reference);
  if (typeof title === 'string') return `${typeIn(schema)} "${title}"`;
  const hasKeys = Array.isArray(required) && required.length > 0;
  return hasKeys ? `${typeIn(schema)} with ${required.map(shorten).join(', ')}` : typeIn(schema);
}

function typeIn({ type, properties }: Record<string, unknown>): string {
  if (type === undefined) return properties === undefined ? 'another' : 'object';
  return [type].flat().map(String).join(' or ');
}
