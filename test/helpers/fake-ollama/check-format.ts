import { isObject } from './json.ts';
import { refuseLate, refuseNested } from './refusal.ts';

const schemaTypes = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];
/** A grammar has a limit for its repetitions. */
const maxRepetitions = 2000;

/** The checks of a format, which the server makes only when the request's turn has come. */
export function checkFormat(format: unknown): void {
  if (format === undefined || format === null || format === '' || format === 'json') return;
  if (!isObject(format)) {
    const quoted = JSON.stringify(JSON.stringify(format));
    throw refuseLate(500, `invalid format: ${quoted}; expected "json" or a valid JSON Schema object`);
  }
  const { type } = format;
  if (typeof type === 'string' && !schemaTypes.includes(type)) {
    const text = `JSON schema conversion failed:\nJSON schema error at #: unrecognized type ${type}`;
    throw refuseNested(`Field 'json_schema': "json_schema": ${text}`, 'invalid_request_error');
  }
  if (Number(format['minItems']) > maxRepetitions) {
    throw refuseNested('Failed to initialize samplers: failed to parse grammar', 'invalid_request_error');
  }
}
