import { readFile } from 'node:fs/promises';
import { unwrapSchema } from '../../core/answer-format.ts';
import { UsageError, codeOf, messageOf } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/json-schema.ts';

/** The schema in the file of `--schema`, with or without an `@` before its path. Throws where it could hold no answer to anything. */
export async function readSchema(given: string): Promise<JsonSchema> {
  const path = given.startsWith('@') ? given.slice(1) : given;
  const refuse = (problem: string): UsageError => new UsageError(`--schema: ${path}: ${problem}`);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw refuse(codeOf(error) === 'ENOENT' ? 'there is no such file' : `can't read it: ${messageOf(error)}`);
  });
  const schema = unwrapSchema(parse(text.replace(/^\uFEFF/, ''), refuse));
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

function parse(text: string, refuse: (problem: string) => UsageError): unknown {
  if (text.trim() === '') throw refuse('the file is empty');
  try {
    return JSON.parse(text);
  } catch (error) {
    const isYaml = /^\s*(?:#.*\n|---\s*\n)*\s*[\w$"-]+\s*:/.test(text);
    throw refuse(
      isYaml ? 'it is YAML, not JSON: convert it' : `it is no JSON: ${messageOf(error).replaceAll(/\s+/g, ' ')}`,
    );
  }
}
