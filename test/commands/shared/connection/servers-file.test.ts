import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backends } from '../../../../src/backends/index.ts';
import { serverFlags } from '../../../../src/commands/shared/connection/flags.ts';
import { type FileServer, readServers } from '../../../../src/commands/shared/connection/servers-file.ts';
import { UsageError } from '../../../../src/core/errors.ts';
import { scratchFolder } from '../../../helpers/scratch-folder.ts';

const environment = { BOX_KEY: 'sk-very-secret', EMPTY: '' };

async function read(text: string): Promise<FileServer[]> {
  const path = join(await scratchFolder(), 'servers.jsonl');
  await writeFile(path, text);
  return readServers(path, serverFlags(backends), environment);
}

const problemOf = async (text: string): Promise<string> => {
  const error: unknown = await read(text).catch((caught: unknown) => caught);
  if (!(error instanceof UsageError)) throw new Error(`no UsageError: ${String(error)}`);
  return `${error.message} ${error.hint ?? ''}`;
};

describe('--servers', () => {
  test('reads a server a line, over blank lines, line ends of Windows and a byte order mark', async () => {
    const text =
      '\uFEFF{"base_url":"http://desktop:8000"}\r\n\r\n{"base_url":"http://box/v1","api_key_env":"BOX_KEY"}\r\n';
    expect(await read(text)).toEqual([
      { line: 1, flag: 'baseUrl', connection: { baseUrl: 'http://desktop:8000' } },
      { line: 3, flag: 'baseUrl', connection: { baseUrl: 'http://box/v1', apiKeyEnv: 'BOX_KEY' } },
    ]);
    expect(await read('{"host":"desktop"}\n{"host":"laptop:11435"}')).toMatchObject([
      { flag: 'host', connection: { host: 'desktop' } },
      { flag: 'host', connection: { host: 'laptop:11435' } },
    ]);
  });

  const good = '{"base_url":"http://desktop:8000"}\n';
  test.each([
    ['{"base_url":"http://a"', 'line 2: it is not JSON: '],
    ['["http://a"]', 'line 2: it is not an object'],
    ['"http://a"', 'line 2: it is not an object'],
    ['{}', 'line 2: it names no server'],
    ['{"api_key_env":"BOX_KEY"}', 'line 2: it names no server'],
    ['{"base_url":"http://a","host":"b"}', 'line 2: it names two servers: host and base_url'],
    ['{"base_url":7}', 'line 2: its "base_url" is not a text'],
    ['{"base_url":"box:8000"}', 'line 2: "box:8000" is not an http(s) address of a server'],
    ['{"base-url":"http://a"}', 'line 2: it has an unknown key: "base-url" Did you mean base_url?'],
    ['{"base_url":"http://a","weight":2}', 'There are: host, base_url, api_key_env.'],
    ['{"host":"laptop"}', 'line 2: it names a server of another kind than line 1'],
  ])('refuses %s by its line', async (line, problem) => {
    expect(await problemOf(good + line)).toContain(problem);
  });

  test('says where a line stops being JSON by its column alone', async () => {
    expect(await problemOf(`${good}{"base_url" "http://a"}`)).toMatch(/line 2: it is not JSON: .*\(column \d+\)/);
  });

  test.each(['api_key', 'apiKey', 'key', 'token', 'password'])(
    'refuses the key "%s", and does not repeat it',
    async (key) => {
      const problem = await problemOf(`{"base_url":"http://a","${key}":"sk-very-secret"}`);
      expect(problem).toContain(`line 1: "${key}" would be a key in a file`);
      expect(problem).toContain('"api_key_env"');
      expect(problem).not.toContain('secret');
    },
  );

  test.each([
    ['a key in place of its name', 'sk-very-secret', 'is not the name of a variable'],
    ['a key that could be a name', 'hf_verysecret', 'names is not set'],
    ['a variable that is empty', 'EMPTY', 'names is not set'],
    ['a number', 48_151_623_420, 'is not the name of a variable'],
  ])('refuses %s, and does not repeat it', async (_, name, problem) => {
    const told = await problemOf(JSON.stringify({ base_url: 'http://a', api_key_env: name }));
    expect(told).toContain(`line 1: `);
    expect(told).toContain(problem);
    expect(told).not.toContain(String(name));
  });

  test('an address with a password in it is not repeated', async () => {
    const told = await problemOf('{"base_url":"http://me:hunter2@box:8000/v1"}');
    expect(told).toContain('line 1: ');
    expect(told).not.toContain('hunter2');
  });

  test('an empty file, and one that is not there, are refused', async () => {
    await expect(problemOf('\n \n')).resolves.toContain('the file is empty');
    await expect(readServers('./none.jsonl', serverFlags(backends), {})).rejects.toThrow('there is no such file');
  });
});
