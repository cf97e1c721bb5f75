import { unwrapSchema } from '../../core/answer-format.ts';
import { UsageError, messageOf } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/json-schema.ts';
import { describeJsonMistake } from '../../text/json-mistake.ts';
import { readTextFile } from './read-text.ts';

/**
 * The schema of `--schema`: a file, with or without an `@` before its path, or the JSON itself. Throws where it could hold
 * no answer to anything.
 */
export async function readSchema(given: string): Promise<JsonSchema> {
  const isInline = /^\s*[{[]/.test(given);
  const path = given.replace(/^@/, '');
  const refuse = (problem: string): UsageError =>
    new UsageError(
      isInline ? `--schema: ${problem}` : `--schema: ${path}: ${problem}`,
      'Correct the schema: it should look like {"type": "object", "properties": {...}}.',
    );
  const text = isInline ? given : await readTextFile('--schema', path);
  const schema = unwrapSchema(await parse(text, refuse));
  if (typeof schema === 'string') throw refuse(schema);
  // Ajv costs 100 ms, and most runs have no schema.
  const { compileSchema } = await import('../../scheduler/answer-checks/compile-schema.ts');
  try {
    compileSchema(schema);
  } catch (error) {
    throw refuse(`the JSON schema can't be used: ${messageOf(error)}`);
  }
  return schema;
}

async function parse(text: string, refuse: (problem: string) => UsageError): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch {
    const isYaml = /^\s*(?:#.*\n|---\s*\n)*\s*[\w$"-]+\s*:/.test(text);
    throw refuse(isYaml ? 'it is YAML, not JSON: convert it' : `it is not JSON: ${await describeJsonMistake(text)}`);
  }
}
