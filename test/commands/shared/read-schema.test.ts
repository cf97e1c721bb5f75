import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSchema } from '../../../src/commands/shared/read-schema.ts';
import { scratchFile, scratchFolder } from '../../helpers/scratch-folder.ts';

const schema = { type: 'object', properties: { colour: { type: 'string' } }, required: ['colour'] };

const fileOf = (content: string): Promise<string> => scratchFile(content, 'schema.json');

describe('--schema', () => {
  test('takes a path, with or without an @, or the JSON itself', async () => {
    const path = await fileOf(JSON.stringify(schema));
    expect(await readSchema(path)).toEqual(schema);
    expect(await readSchema(`@${path}`)).toEqual(schema);
    expect(await readSchema(` ${JSON.stringify(schema)}\n`)).toEqual(schema);
  });

  test('that is given as JSON is refused without a path', async () => {
    await expect(readSchema('{"type":"object"')).rejects.toThrow(
      /^--schema: it is not JSON: quoted object key or end of object '}' expected but reached end of input \(line 1, column 17\)$/,
    );
    await expect(readSchema('{"type":"fruit"}')).rejects.toThrow("--schema: the JSON schema can't be used");
  });

  test.each<[string, object]>([
    ['{name, schema}', { name: 'answer', schema }],
    ["OpenAI's whole response_format", { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } }],
  ])('takes the schema out of %s', async (_name, wrapped) => {
    expect(await readSchema(await fileOf(JSON.stringify(wrapped)))).toEqual(schema);
  });

  test('leaves out the mark that Windows puts at the start of a file', async () => {
    expect(await readSchema(await fileOf(`\uFEFF${JSON.stringify(schema)}`))).toEqual(schema);
  });

  test.each([
    ['', 'the file is empty'],
    ['\n', 'the file is empty'],
    ['type: object\nproperties:\n  a: {type: string}\n', 'it is YAML, not JSON: convert it'],
    ['# a comment\n---\n"type": object\n', 'it is YAML, not JSON: convert it'],
    ['{"type": ', "it is not JSON: object value expected after ':' (line 1, column 10)"],
    ["{'type': 'object'}", 'it is not JSON: quoted object key expected'],
    [
      '{\r\n  "type": "object"\r\n  "required": ["a"]\r\n}',
      "comma ',' expected after value but got '\"' (line 3, column 3)",
    ],
    ['{"colour": "red"}', 'is it an example of an answer?'],
    ['{"colour": {"type": "string"}}', 'write "colour" into {"type": "object", "properties": {...}}'],
    ['{"type": "fruit"}', "the JSON schema can't be used: /type is"],
    ['{"$ref": "#/$defs/none"}', 'which is not in it: write that into `$defs`'],
    ['[]', 'the schema is [], not an object'],
    ['{"name": "answer"}', 'the schema is missing: it belongs in json_schema.schema'],
  ])('refuses %j with the path and the reason', async (content, reason) => {
    const path = await fileOf(content);
    await expect(readSchema(path)).rejects.toThrow(`--schema: ${path}: `);
    await expect(readSchema(path)).rejects.toThrow(reason);
  });

  test('says that a file is not there, or is none', async () => {
    const folder = await scratchFolder();
    await expect(readSchema(join(folder, 'none.json'))).rejects.toThrow('none.json: there is no such file');
    await mkdir(join(folder, 'a'));
    await expect(readSchema(`@${join(folder, 'a')}`)).rejects.toThrow('a: it is a folder');
  });
});
