import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { JournalError } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/journal/manifest/manifest.ts';
import { keepManifest } from '../../../src/run/files/open-manifest.ts';
import { waitUntil } from '../../helpers/wait.ts';
import { sampleManifest } from '../../journal/sample-manifest.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmbatch-manifest-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sessionsIn = async (path: string): Promise<number> =>
  (JSON.parse(await readFile(path, 'utf8')) as Manifest).sessions;

describe('the manifest keeper', () => {
  test('replaces the manifest every few seconds, and a last time when it stops', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const path = join(folder, 'run.json');
    let sessions = 1;
    const keeper = keepManifest({
      path,
      sealKey: null,
      current: () => sampleManifest({ sessions }),
      check: async () => {},
      onFailure: (error) => expect.unreachable(error.message),
    });
    await keeper.write();
    sessions = 2;
    vi.advanceTimersByTime(3000);
    vi.useRealTimers();
    await waitUntil(async () => (await sessionsIn(path)) === 2);
    sessions = 3;
    await keeper.stop();
    expect(await sessionsIn(path)).toBe(3);
    expect(await readdir(folder)).toEqual(['run.json']);
  });

  test('tells when the output is not ours any more, and writes nothing', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const failure = new JournalError('taken away');
    const told = new Promise((resolve) => {
      keepManifest({
        path: join(folder, 'run.json'),
        sealKey: null,
        current: () => sampleManifest(),
        check: () => Promise.reject(failure),
        onFailure: resolve,
      });
    });
    vi.advanceTimersByTime(3000);
    vi.useRealTimers();
    expect(await told).toBe(failure);
    expect(await readdir(folder)).toEqual([]);
  });
});
