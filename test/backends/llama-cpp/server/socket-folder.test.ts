import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { freeSocket, makeSocket } from '../../../../src/backends/llama-cpp/server/socket-folder.ts';
import { identifyThisProcess } from '../../../../src/machine/process-identity.ts';
import { scratchFolder } from '../../../helpers/scratch-folder.ts';

describe.skipIf(process.platform === 'win32')('the folder of a socket', () => {
  let temporary: string;
  beforeEach(async () => {
    // macOS's own is too long for a socket below it.
    temporary = await scratchFolder();
    vi.stubEnv('TMPDIR', temporary);
  });
  afterEach(() => vi.unstubAllEnvs());

  const folderOf = async (): Promise<string> => basename(dirname((await makeSocket()) ?? ''));

  /** A folder of a process that lives no more. */
  async function makeDead(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    const owner = { ...(await identifyThisProcess()), pid: 999_999_999 };
    await writeFile(join(folder, 'owner.json'), JSON.stringify(owner));
    await writeFile(join(folder, 'llama.sock'), '');
  }

  test('is open to nobody else, and removed when it is free', async () => {
    const socket = (await makeSocket()) ?? '';
    expect((await stat(dirname(socket))).mode & 0o777).toBe(0o700);
    await freeSocket(socket);
    expect(await readdir(temporary)).toEqual([]);
  });

  test('is removed by the next start where its process was killed, and only then', async () => {
    const alive = await folderOf();
    await makeDead(join(temporary, 'llmbatch-llama-dead'));
    await makeDead(join(temporary, 'elsewhere'));
    await symlink(join(temporary, 'elsewhere'), join(temporary, 'llmbatch-llama-link'));
    await mkdir(join(temporary, 'llmbatch-llama-empty'));
    const next = await folderOf();
    const left = [alive, next, 'elsewhere', 'llmbatch-llama-empty', 'llmbatch-llama-link'];
    expect(await readdir(temporary)).toEqual(expect.arrayContaining(left));
    expect(await readdir(temporary)).toHaveLength(left.length);
    expect(await readdir(join(temporary, 'elsewhere'))).toHaveLength(2);
  });

  test('keeps a file that is none of ours', async () => {
    const folder = join(temporary, 'llmbatch-llama-dead');
    await makeDead(folder);
    await writeFile(join(folder, 'mine'), '');
    await makeSocket();
    expect(await readdir(folder)).toEqual(['mine']);
  });
});
