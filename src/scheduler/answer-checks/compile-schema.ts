import addFormats from 'ajv-formats';
import { Ajv, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { messageOf } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/json-schema.ts';
import { describeMismatch } from './describe-mismatch.ts';
import { refersToItself } from './endless-schema.ts';

const options: Options = {
  strict: false,
  logger: false,
  verbose: true,
  validateSchema: false,
  code: { regExp: Object.assign(readPattern, { code: 'readPattern' }) },
};

/** Compiles a schema by the dialect that it names. Throws with a sentence that says what is wrong with the schema. */
export function compileSchema({ $schema: dialect, ...schema }: JsonSchema): ValidateFunction {
  if (schema['$async'] !== undefined) throw new Error('`$async` is not a keyword of JSON Schema: remove it');
  const validate = compileIn(dialectsOf(dialect), schema);
  if (refersToItself(schema)) throw new Error('a part of it refers to itself, so no value can be checked');
  return validate;
}

type Dialect = typeof Ajv | typeof Ajv2019 | typeof Ajv2020;

/** The dialects to try. Who names none means the newest, or writes as before 2020 without knowing it. */
function dialectsOf(named: unknown): Dialect[] {
  if (named === undefined || named === null) return [Ajv2020, Ajv];
  const text = typeof named === 'string' ? named : JSON.stringify(named);
  if (/draft-0[67]/.test(text)) return [Ajv];
  if (text.includes('2019-09')) return [Ajv2019];
  if (text.includes('2020-12') || /json-schema\.org\/schema#?$/.test(text)) return [Ajv2020];
  const way = 'remove `$schema`, and write it as draft-07 or 2020-12';
  if (/draft-0[1-5]/.test(text)) throw new Error(`its dialect (${text}) is not supported any more: ${way}`);
  throw new Error(`its dialect "${text}" is not known: ${way}`);
}

function compileIn(dialects: Dialect[], schema: JsonSchema): ValidateFunction {
  let first: unknown;
  for (const Dialect of dialects) {
    try {
      return compileAs(new Dialect(options), schema);
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

function compileAs(ajv: Ajv, schema: JsonSchema): ValidateFunction {
  // References and patterns come before the formats: many schemas do not write them by the book, and can still be read.
  if (ajv.validateSchema(schema) !== true) throw new Error(describeMismatch(ajv.errors ?? [], schema));
  addFormats.default(ajv);
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  }
}

function explain(error: unknown): string {
  if (error instanceof RangeError) return 'it is too large, or nested too deep';
  if (error instanceof Error && 'missingRef' in error)
    return `it refers to "${String(error.missingRef)}", which is not in it: write that into \`$defs\``;
  const text = messageOf(error);
  return text.startsWith('Invalid regular expression')
    ? `one \`pattern\` is not a valid regular expression: ${text}`
    : text;
}

/**
 * Escapes that Python and Rust write differently from JavaScript, which would read some of them as other characters.
 */
const otherWords: [RegExp, string][] = [
  [/\(\?P</g, '(?<'],
  [/(?<!\\)((?:\\\\)*)\\A/g, '$1^'],
  [/(?<!\\)((?:\\\\)*)\\[Zz]/g, '$1$'],
];

/**
 * A pattern of a schema or of `guided_regex`, whose writers had other engines in mind. Unicode mode is tried first: in
 * it a mistake is none of the letters that it is written with. Throws where it is no pattern.
 */
export function readPattern(pattern: string, flags = 'u'): RegExp {
  const text = otherWords.reduce((words, [other, ours]) => words.replaceAll(other, ours), pattern);
  const inline = /^\(\?([ims]+)\)/.exec(text);
  const body = inline === null ? text : text.slice(inline[0].length);
  const own = inline?.[1] ?? '';
  try {
    return new RegExp(body, flags + own);
  } catch {
    return new RegExp(body, own);
  }
}
