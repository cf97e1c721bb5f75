import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backends } from '../../../../src/backends/index.ts';
import { askedConnections } from '../../../../src/commands/shared/connection/asked-connections.ts';
import { scratchFolder } from '../../../helpers/scratch-folder.ts';

async function fileOf(...lines: object[]): Promise<string> {
  const path = join(await scratchFolder(), 'servers.jsonl');
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

const asked = (flags: object, earlier?: Parameters<typeof askedConnections>[2]) =>
  askedConnections(flags, backends, earlier);

describe('the connections that are asked for', () => {
  test('are those of the flags, then those of the file, each with what is the same for all', async () => {
    const servers = await fileOf({ base_url: 'http://b' });
    expect(await asked({ baseUrl: ['http://a'], servers, python: 'py' })).toEqual([
      { python: 'py', baseUrl: 'http://a' },
      { python: 'py', baseUrl: 'http://b' },
    ]);
  });

  test('take the place of the earlier servers and their keys; without any the earlier ones stay', async () => {
    const earlier = [{ baseUrl: 'http://a', apiKeyEnv: 'A' }, { baseUrl: 'http://b' }];
    expect(await asked({}, earlier)).toEqual(earlier);
    expect(await asked({ baseUrl: ['http://c'] }, earlier)).toEqual([{ baseUrl: 'http://c' }]);
    expect(await asked({ host: ['c'] }, earlier)).toEqual([{ host: 'c' }]);
  });

  test('one server of each kind is left to the model', async () => {
    expect(await asked({ host: ['a'], baseUrl: ['http://b'] })).toEqual([{ host: 'a', baseUrl: 'http://b' }]);
  });

  test('servers of two kinds are refused, wherever they are named', async () => {
    const message = 'name servers of two kinds, but a run has only one backend';
    await expect(asked({ host: ['a', 'b'], baseUrl: ['http://c'] })).rejects.toThrow(
      `--host and --base-url ${message}`,
    );
    const servers = await fileOf({ base_url: 'http://b' });
    await expect(asked({ host: ['a'], servers })).rejects.toThrow(`--host and line 1 of ${servers} ${message}`);
  });

  test.each([
    ['a slash', { baseUrl: ['http://a:8000', 'http://a:8000/v1/'] }, 'http://a:8000/v1'],
    ['the usual port', { host: ['a', 'http://a:11434'] }, 'http://a:11434'],
  ])('a server that is named twice is refused, also where %s differs', async (_, flags, address) => {
    await expect(asked(flags)).rejects.toThrow(`the server ${address} is named twice`);
  });

  test('a server that a flag and the file name is refused', async () => {
    const servers = await fileOf({ base_url: 'http://b' }, { base_url: 'http://a/v1' });
    await expect(asked({ baseUrl: ['http://a'], servers })).rejects.toThrow(`(--base-url, and line 2 of ${servers})`);
  });

  test('servers of another backend than -b asks for are refused', async () => {
    const servers = await fileOf({ base_url: 'http://b' });
    await expect(asked({ backend: 'ollama', servers })).rejects.toThrow(
      `what line 1 of ${servers} names is a flag of openai, but -b names ollama`,
    );
    await expect(asked({ backend: 'vllm', baseUrl: ['http://a'] })).rejects.toThrow(
      '--base-url is a flag of openai, but -b names vllm',
    );
  });
});
