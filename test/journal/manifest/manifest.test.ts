import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultRunnerSettings } from '../../../src/core/settings.ts';
import { isOwnManifest, readManifest, writeManifest } from '../../../src/journal/manifest/manifest.ts';
import { scratchFile, scratchFolder } from '../../helpers/scratch-folder.ts';
import { toWire } from '../../../src/journal/manifest/wire.ts';
import { sampleManifest, sampleSettings } from '../sample-manifest.ts';

test('what is written is read again, with the time of the writing', async () => {
  const path = join(await scratchFolder(), 'out.run.json');
  await writeManifest(path, sampleManifest({ drift: ['model: a → b'] }));
  const { updatedAt, ...read } = (await readManifest(path)) ?? sampleManifest();
  const { updatedAt: before, ...written } = sampleManifest({ drift: ['model: a → b'] });
  expect(read).toEqual(written);
  expect(updatedAt > before).toBe(true);
});

test('whoever reads while it is replaced finds a whole one, and no draft stays', async () => {
  const folder = await scratchFolder();
  const path = join(folder, 'out.run.json');
  await writeManifest(path, sampleManifest({ sessions: 0 }));
  for (let session = 1; session <= 50; session++) {
    const writing = writeManifest(path, sampleManifest({ sessions: session }));
    const seen = await Promise.all(Array.from({ length: 10 }, () => readManifest(path)));
    expect(seen.every((manifest) => manifest !== null && session - manifest.sessions <= 1)).toBe(true);
    await writing;
  }
  expect(await readdir(folder)).toEqual(['out.run.json']);
});

/** The text of a manifest, with changes to it as it lies on disk. */
const textWith = (change: object, manifest = sampleManifest()): string =>
  JSON.stringify({ ...toWire(manifest), ...change });

test('it has one casing on disk, and what belongs to the user or the engine stays as it is', async () => {
  const path = join(await scratchFolder(), 'out.run.json');
  const schema = { type: 'object', properties: { firstName: { type: 'string' } } };
  const settings = { ...sampleSettings, schema, options: { flashAttention: true }, promptTemplate: '{{a}}' };
  await writeManifest(path, sampleManifest({ settings }));
  const written = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const { schema: _schema, options: _options, ...others } = written['settings'] as Record<string, unknown>;
  expect(JSON.stringify({ ...written, settings: others })).not.toMatch(/"[a-z0-9_]+[A-Z]\w*":/);
  expect(written).toMatchObject({ schema_version: 2, settings: { schema, options: { flashAttention: true } } });
  expect((await readManifest(path))?.settings).toEqual(settings);
});

test('its connection is a list of servers, empty where the environment says where they are', async () => {
  const path = join(await scratchFolder(), 'out.run.json');
  await writeManifest(path, sampleManifest());
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ connection: [] });
  const runner = {
    ...defaultRunnerSettings,
    connections: [{ baseUrl: 'http://here/v1', gpus: [0, 1] }, { baseUrl: 'http://b' }],
  };
  await writeManifest(path, sampleManifest({ runner }));
  const written = JSON.parse(await readFile(path, 'utf8')) as object;
  expect(written).toMatchObject({
    connection: [{ base_url: 'http://here/v1', gpus: [0, 1] }, { base_url: 'http://b' }],
  });
  expect((await readManifest(path))?.runner).toEqual(runner);
});

test('what a later writer adds is not looked at', async () => {
  const path = await scratchFile(textWith({ later: { x: 1 }, summary: { done: 1, workers: 1, later: 2 } }));
  expect(await readManifest(path)).toMatchObject({ runId: sampleManifest().runId, summary: { progress: { done: 1 } } });
});

test('one of an earlier writer is read, with what it did not know of', async () => {
  const { vram_limit: _, ...runner } = toWire(sampleManifest())['runner'] as Record<string, unknown>;
  const path = await scratchFile(textWith({ runner, summary: { done: 3, workers: 8 } }), 'out.run.json');
  expect(await readManifest(path)).toMatchObject({
    runner: { vramLimit: 'auto' },
    summary: {
      progress: { done: 3, workers: { current: 8, atStart: 8, max: 8 } },
      machine: { modelMemory: null, vramGuard: null },
    },
  });
});

test('a secret that an earlier version kept as an option is not taken, and its name is', async () => {
  const { settings } = sampleManifest();
  const options = { ...settings.options, hf_token: 'hush-hush', hf_overrides: '{"auth":{"token":"hush-hush"}}' };
  const path = await scratchFile(textWith({}, sampleManifest({ settings: { ...settings, options } })));
  const read = await readManifest(path);
  expect(read).toMatchObject({ settings, leftOut: ['hf_token', 'hf_overrides'] });
  expect(JSON.stringify(read)).not.toContain('hush');
});

test('where there is none, it is null', async () => {
  expect(await readManifest(join(await scratchFolder(), 'out.run.json'))).toBeNull();
});

test.each([
  ['cut short', textWith({}).slice(0, 200)],
  ['empty', ''],
  ['without its settings', textWith({ settings: {} })],
  ['without its version', textWith({ schema_version: undefined })],
  ["somebody's notes", 'precious'],
])('one that is %s is refused, and no command proposed that deletes the results', async (_name, text) => {
  const path = await scratchFile(text, 'out.run.json');
  const error: unknown = await readManifest(path).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'JournalError', exitCode: 5, message: expect.stringContaining(path) });
  expect(error).toMatchObject({ hint: expect.not.stringContaining('--overwrite') });
});

test('one of a newer version is told as such', async () => {
  const path = await scratchFile(textWith({ schema_version: 3 }), 'out.run.json');
  await expect(readManifest(path)).rejects.toMatchObject({
    message: expect.stringMatching(/was written by a newer llmbatch .*: update llmbatch to continue this run$/),
    hint: expect.not.stringContaining('--overwrite'),
  });
});

describe('a sealed manifest', () => {
  const key = Buffer.alloc(32, 1);

  test('is known by its key wherever it is moved, and by no other key', async () => {
    const folder = await scratchFolder();
    await writeManifest(join(folder, 'a.run.json'), sampleManifest(), key);
    await rename(join(folder, 'a.run.json'), join(folder, 'b.run.json'));
    expect(await isOwnManifest(join(folder, 'b.run.json'), key)).toBe(true);
    expect(await isOwnManifest(join(folder, 'b.run.json'), Buffer.alloc(32, 2))).toBe(false);
    expect(await isOwnManifest(join(folder, 'b.run.json'), null)).toBe(false);
  });

  test.each([
    ['a program', (text: string) => text.replace('"connection": []', '"connection": [{"python":"./evil"}]')],
    ['an option', (text: string) => text.replace('"seed": 1', '"seed": 1, "server": "./evil"')],
    ['a field that it did not have', (text: string) => text.replace('"schema_version"', '"more": 1, "schema_version"')],
  ])('is not known once it has %s that nobody sealed', async (_name, change) => {
    const path = join(await scratchFolder(), 'a.run.json');
    await writeManifest(path, sampleManifest(), key);
    const text = await readFile(path, 'utf8');
    expect(change(text)).not.toBe(text);
    await writeFile(path, change(text));
    expect(await isOwnManifest(path, key)).toBe(false);
  });

  test("is nobody's without a key", async () => {
    const path = join(await scratchFolder(), 'a.run.json');
    await writeManifest(path, sampleManifest());
    expect(await isOwnManifest(path, key)).toBe(false);
  });
});

test('a failed write leaves the one before, and no draft', async () => {
  const folder = await scratchFolder();
  const path = join(folder, 'folder');
  await expect(writeManifest(join(folder, 'missing', 'out.run.json'), sampleManifest())).rejects.toMatchObject({
    name: 'JournalError',
  });
  // A file can't be renamed over a folder that is not empty.
  await mkdir(path);
  await writeFile(join(path, 'kept'), 'kept');
  await expect(writeManifest(path, sampleManifest())).rejects.toMatchObject({ name: 'JournalError' });
  expect([await readdir(folder), await readFile(join(path, 'kept'), 'utf8')]).toEqual([['folder'], 'kept']);
});

test('the servers that a manifest of version 1 names are taken', async () => {
  const { connection: _, ...wire } = toWire(sampleManifest());
  const { connections: _none, ...others } = defaultRunnerSettings;
  const servers = { host: 'here:1', baseUrl: null, python: './python', gpus: null };
  const path = await scratchFile(JSON.stringify({ ...wire, schema_version: 1, runner: { ...others, ...servers } }));
  const connections = [{ host: 'here:1', python: './python' }];
  expect((await readManifest(path))?.runner).toEqual({ ...defaultRunnerSettings, connections });
});
