import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type BestSetting, describeHardware, findBest, saveBest } from '../../../src/run/choose/saved-settings.ts';
import type { RunHost } from '../../../src/run/run-request.ts';
import { prompts } from '../../helpers/run-cli.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { createRunFolder } from '../../helpers/start-run.ts';

async function createStore() {
  const folder = await scratchFolder();
  const environment = { XDG_STATE_HOME: folder, PATH: '' };
  const hardware = await describeHardware(environment);
  const setting: BestSetting = {
    schemaVersion: 2,
    backend: 'mock',
    model: 'm',
    digest: 'sha256:1',
    server: null,
    hardware,
    options: { slots: 4, latency_ms: 1 },
    workers: 4,
    rate: 46.9,
    completionTokens: 12.4,
    measuredAt: '2026-11-25T12:00:00.000Z',
    bench: '/somewhere/bench-results/x',
  };
  return { folder: join(folder, 'llmbatch', 'best-settings'), environment, setting };
}

describe('a saved setting', () => {
  const asked = { backend: 'mock', model: 'm', options: { latency_ms: 1, slots: 4 } };

  test('is found by backend, model and options, in whatever order', async () => {
    const { environment, setting } = await createStore();
    expect(await findBest(asked, environment)).toBeNull();
    await saveBest(setting, environment);
    expect(await findBest(asked, environment)).toEqual(setting);
    for (const other of [{ backend: 'ollama' }, { model: 'n' }, { options: {} }]) {
      expect(await findBest({ ...asked, ...other }, environment)).toBeNull();
    }
  });

  test('takes the place of an earlier one of the same weights; of other weights the newest is found', async () => {
    const { environment, setting, folder } = await createStore();
    await saveBest(setting, environment);
    await saveBest({ ...setting, workers: 8 }, environment);
    expect(await readdir(folder)).toHaveLength(1);
    await saveBest({ ...setting, digest: 'sha256:2', workers: 2, measuredAt: '2026-11-26T12:00:00.000Z' }, environment);
    expect((await findBest(asked, environment))?.workers).toBe(2);
  });

  test('of other hardware, and a file that is none of ours, are left aside', async () => {
    const { environment, setting, folder } = await createStore();
    await saveBest({ ...setting, hardware: 'NVIDIA H100' }, environment);
    await writeFile(join(folder, 'other.json'), 'nothing');
    expect(await findBest(asked, environment)).toBeNull();
  });
});

describe('a run with --workers auto', () => {
  async function notesOf(changes: Partial<BestSetting>, host: Partial<RunHost> = {}): Promise<string[]> {
    const { at, run, notes } = await createRunFolder(prompts(3));
    const environment = { XDG_STATE_HOME: at('state') };
    const { setting } = await createStore();
    const hardware = await describeHardware(environment);
    await saveBest({ ...setting, model: 'mock', digest: null, options: {}, hardware, ...changes }, environment);
    await run({}, host);
    return notes.filter((note) => note.startsWith('workers: '));
  }

  test('takes the saved setting and says so', async () => {
    expect(await notesOf({})).toEqual([
      expect.stringMatching(
        /^workers: 4, the best that a bench found on 2026-11-25 \(.* with answers of about 12 tokens; .*choose with --workers$/,
      ),
    ]);
  });

  test('does not where the weights are other ones, or in a trial of a bench', async () => {
    expect(await notesOf({ digest: 'sha256:other' })).toEqual([]);
    expect(await notesOf({}, { usesSaved: false })).toEqual([]);
  });
});
