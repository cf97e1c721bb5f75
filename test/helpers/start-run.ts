import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { backends } from '../../src/backends/index.ts';
import type { ResultLine } from '../../src/core/result-line.ts';
import { type AnswerSettings, defaultAnswerSettings, defaultRunnerSettings } from '../../src/core/settings.ts';
import { pathsOf } from '../../src/journal/manifest/run-paths.ts';
import { createBackendCache } from '../../src/run/choose/backend-cache.ts';
import type { RunHost, RunOutcome, RunRequest } from '../../src/run/run-request.ts';
import { startRun } from '../../src/run/start-run.ts';
import { readResults } from './run-cli.ts';

export const mockSettings: AnswerSettings = { ...defaultAnswerSettings, backend: 'mock', model: 'mock' };

export interface RunFolder {
  at: (name: string) => string;
  /** Runs `in.jsonl` to `out.jsonl`. */
  run: (changes?: Partial<RunRequest>, host?: Partial<RunHost>) => Promise<RunOutcome>;
  results: () => Promise<ResultLine[]>;
  notes: string[];
}

/** A folder with an input, removed when the test has finished. */
export async function createRunFolder(input: string): Promise<RunFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'llmbatch-run-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  await writeFile(at('in.jsonl'), input);
  const notes: string[] = [];
  const request: RunRequest = {
    input: at('in.jsonl'),
    spool: null,
    paths: pathsOf(at('out.jsonl')),
    settings: mockSettings,
    runner: defaultRunnerSettings,
    allowDrift: false,
    retryFailed: 'transient',
    overwrite: false,
  };
  const host: RunHost = {
    backends,
    environment: { XDG_STATE_HOME: at('state') },
    stdin: Readable.from([]),
    onResults: null,
    notify: ({ text }) => void notes.push(text),
    onStart: () => {},
    stop: new AbortController().signal,
    abort: new AbortController().signal,
  };
  return {
    at,
    notes,
    results: async () => readResults(await readFile(at('out.jsonl'), 'utf8')),
    async run(changes, hostChanges) {
      const cache = createBackendCache();
      try {
        return await startRun({ ...request, ...changes }, { ...host, ...hostChanges }, cache);
      } finally {
        await cache.close();
      }
    },
  };
}
