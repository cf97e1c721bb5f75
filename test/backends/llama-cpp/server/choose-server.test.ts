import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Backend, OpenRequest } from '../../../../src/core/backend.ts';
import { chooseServer, isNewer } from '../../../../src/backends/llama-cpp/server/choose-server.ts';
import { scratchFolder } from '../../../helpers/scratch-folder.ts';
import { type FakeServer, fakeServer, openOnFakeServer } from './open-on-fake.ts';

test.each<[string, string, boolean]>([
  ['0.7.0 (build 11669)', 'v0.5.0', true],
  ['0.5.1 (build 11002)', 'v0.5.0', true],
  ['0.5.0 (build 11000)', 'v0.5.0', false],
  ['0.10.0 (build 12000)', 'v0.9.0', true],
  ['b6123', 'v0.5.0', false],
  ['0.1.0 (build 10000)', 'b6123', true],
  ['b6124', 'b6123', true],
  // Builds that were given no number.
  ['b0', 'v0.5.0', false],
  ['0.0.0 (build 0)', 'v0.5.0', false],
  ['unknown', 'v0.5.0', false],
])('a server of version %s beside a library of %s: newer is %s', (version, release, expected) => {
  expect(isNewer(version, release)).toBe(expected);
});

test('no server is looked for with off', async () => {
  expect((await chooseServer('off', { gpu: 'auto' })).server).toBeNull();
});

describe.skipIf(process.platform === 'win32')('with auto', () => {
  afterEach(() => vi.unstubAllEnvs());
  const choose = (form?: string) => chooseServer('auto', { gpu: 'off', form });
  /** A folder with a server of this version, which is the whole PATH. */
  const usePath = async (version: string): Promise<string> => {
    const folder = await scratchFolder();
    await symlink(fakeServer, join(folder, 'llama-server'));
    await symlink(process.execPath, join(folder, 'node'));
    vi.stubEnv('FAKE_SERVER', JSON.stringify({ version }));
    vi.stubEnv('PATH', folder);
    return folder;
  };

  test('a newer server of the PATH is taken, and a run that began with the library keeps it', async () => {
    const folder = await usePath('9.0.0 (build 99999)');
    expect(await choose()).toMatchObject({ server: { path: join(folder, 'llama-server') }, form: 'llama-server' });
    expect(await choose('library')).toMatchObject({ server: null, form: 'library' });
  });

  test('a run that began with a server says where there is none any more, and both ways on', async () => {
    await usePath('0.0.1 (build 1)');
    expect(await choose()).toMatchObject({ server: null, form: 'library' });
    await expect(choose('llama-server')).rejects.toMatchObject({
      kind: 'unusable',
      message: expect.stringMatching(
        /^The run began with a llama-server, but .* is not newer than the library/,
      ) as string,
      hint: expect.stringMatching(/--option server=PATH.*--option server=off.*--allow-drift/) as string,
    });
  });

  test('a server that has nothing for the GPU that is asked for is left', async () => {
    await usePath('9.0.0 (build 99999)');
    const { server, why } = await chooseServer('auto', { gpu: 'cuda' });
    expect([server, why]).toEqual([null, expect.stringMatching(/llama-server has no cuda here$/)]);
  });

  describe('one that does not start', () => {
    const refusing: FakeServer = { refusedFlag: '--cache-ram' };
    const notices: string[] = [];
    const open = async (changes: Partial<OpenRequest> = {}): Promise<Backend> => {
      await usePath('9.0.0 (build 99999)');
      const onNotice = (text: string, level?: string): void => void (level === undefined && notices.push(text));
      return openOnFakeServer(refusing, { options: { gpu: 'off', server: 'auto' }, onNotice, ...changes });
    };

    test('is left for the library, and that is said', async () => {
      const backend = await open();
      expect(backend.info).toMatchObject({
        form: 'library',
        version: expect.stringMatching(/^node-llama-cpp/) as string,
      });
      expect(notices).toEqual([
        expect.stringMatching(
          /^llama-cpp takes the library: .*llama-server can't serve the model: it ended with code 1\.$/,
        ),
      ]);
      await backend.close();
    });

    test('is an error of a run that began with one', async () => {
      await expect(open({ form: 'llama-server' })).rejects.toMatchObject({ kind: 'unusable' });
    });
  });
});
