import { readFile, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { mockBackend } from '../../src/backends/mock/index.ts';
import type { BackendDefinition } from '../../src/core/backend.ts';
import type { RunEvent } from '../../src/core/events.ts';
import { JournalError, UsageError } from '../../src/core/errors.ts';
import { defaultRunnerSettings } from '../../src/core/settings.ts';
import type { Manifest } from '../../src/journal/manifest/manifest.ts';
import { prompts, readResults } from '../helpers/run-cli.ts';
import { createRunFolder, mockSettings } from '../helpers/start-run.ts';

const always = { ...defaultRunnerSettings, fsync: 'always' as const };

describe('a run', () => {
  test('answers all, and its manifest says so', async () => {
    const folder = await createRunFolder(prompts(10));
    const { manifest, snapshot } = await folder.run();
    expect(snapshot.progress).toMatchObject({ total: 10, done: 10, succeeded: 10, failed: 0, inFlight: 0 });
    expect(manifest).toMatchObject({ state: 'finished', reason: null, sessions: 1, mode: { name: 'independent' } });
    const written = JSON.parse(await readFile(folder.at('out.jsonl.run.json'), 'utf8')) as Manifest;
    expect(written).toMatchObject({ state: 'finished', input: { requests: 10, complete: true } });
  });

  test('hands results on only once they are on disk', async () => {
    const folder = await createRunFolder(prompts(50));
    const seen: string[] = [];
    await folder.run(
      { runner: always },
      {
        async onResults(lines) {
          const text = await readFile(folder.at('out.jsonl'), 'utf8');
          for (const line of lines) expect(text).toContain(line.toString());
          seen.push(...lines.map(String));
        },
      },
    );
    expect(readResults(seen.join('')).length).toBe(50);
  });

  test('that is stopped resolves with what is done, and the same call goes on', async () => {
    const folder = await createRunFolder(prompts(200));
    const stop = new AbortController();
    const settings = { ...mockSettings, options: { latency_ms: 5 } };
    let ended = 0;
    const onEvent = ({ type }: RunEvent): void => {
      if (type === 'request-end' && ++ended === 20) stop.abort();
    };
    const first = await folder.run({ settings, runner: always }, { stop: stop.signal, onEvent });
    expect(first.manifest).toMatchObject({ state: 'stopped', reason: 'interrupted' });
    const kept = await folder.results();
    const second = await folder.run({ settings });
    expect(kept.length).toBeLessThan(200);
    expect(second.manifest).toMatchObject({ state: 'finished', sessions: 2 });
    expect(second.snapshot.progress).toMatchObject({ done: 200, total: 200 });
    const results = await folder.results();
    for (const line of kept) expect(results).toContainEqual(line);
    expect(results).toHaveLength(200);
  });

  test('is resumed with the form of the engine that it began with', async () => {
    const forms: unknown[] = [];
    const definition: BackendDefinition = {
      ...mockBackend,
      async open(request) {
        const backend = await mockBackend.open(request);
        forms.push(request.form);
        return { ...backend, info: { ...backend.info, form: 'a form' } };
      },
    };
    const folder = await createRunFolder(prompts(2));
    const host = { backends: [definition] };
    const { manifest } = await folder.run({}, host);
    expect(manifest.engineForm).toBe('a form');
    const [first] = (await readFile(folder.at('out.jsonl'), 'utf8')).split('\n');
    await writeFile(folder.at('out.jsonl'), `${first}\n`);
    await folder.run({}, host);
    expect(forms).toEqual([null, 'a form']);
  });

  test('that waits for standard input stops at once', async () => {
    const folder = await createRunFolder('');
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    const { manifest } = await folder.run({ input: '-' }, { stdin: new PassThrough(), stop: stop.signal });
    expect(manifest).toMatchObject({ state: 'stopped', input: { complete: false } });
  });

  test('of one output at a time: a second one is refused, and the first goes on', async () => {
    const folder = await createRunFolder(prompts(20));
    let second: Promise<unknown> = Promise.resolve();
    const onStart = (): void => {
      second = folder.run();
      second.catch(() => {});
    };
    // The first does not end before the second was refused.
    const onResults = (): Promise<void> =>
      second.then(
        () => {},
        () => {},
      );
    const { manifest } = await folder.run({}, { onStart, onResults });
    await expect(second).rejects.toThrow(`process ${process.pid}`);
    expect(manifest.state).toBe('finished');
  });

  test('refuses changed settings, each by its name', async () => {
    const folder = await createRunFolder(prompts(3));
    await folder.run();
    const settings = { ...mockSettings, system: 'Be brief.', options: { seed: 2 } };
    const refused = folder.run({ settings });
    await expect(refused).rejects.toThrow(JournalError);
    await expect(refused).rejects.toThrow('--system none → "Be brief."; --option seed default → 2');
  });

  test('refuses bad lines before anything is sent with --strict', async () => {
    const folder = await createRunFolder('not JSON\n');
    await expect(folder.run({ runner: { ...always, strict: true } })).rejects.toThrow(UsageError);
    await expect(folder.results()).rejects.toThrow('ENOENT');
  });

  test('frees its lock whatever happens', async () => {
    const folder = await createRunFolder(prompts(3));
    const broken = { ...mockSettings, options: { fault_rate: 1, fault_kinds: 'unusable' } };
    await expect(folder.run({ settings: broken })).rejects.toThrow('unusable');
    await expect(readFile(folder.at('out.jsonl.lock'))).rejects.toThrow('ENOENT');
    await expect(folder.run({ allowDrift: true })).resolves.toMatchObject({ manifest: { state: 'finished' } });
  });
});
