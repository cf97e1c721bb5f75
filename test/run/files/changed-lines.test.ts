import { appendFile, open, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { answerText } from '../../../src/core/completion.ts';
import { defaultRunnerSettings } from '../../../src/core/settings.ts';
import type { Manifest } from '../../../src/journal/manifest/manifest.ts';
import type { RunRequest } from '../../../src/run/run-request.ts';
import { pathsOf } from '../../../src/journal/manifest/run-paths.ts';
import { createChangedLines } from '../../../src/run/files/changed-lines.ts';
import { type RunFolder, createRunFolder } from '../../helpers/start-run.ts';

const count = 40;
/** Long enough that the rows are read again in several batches. */
const lineOf = (number: number, word = 'question'): string =>
  `${JSON.stringify({ id: `r${number}`, prompt: `${word} ${number} ${'x'.repeat(200_000)}` })}\n`;
const linesOf = (word?: string): string =>
  Array.from({ length: count }, (_, index) => lineOf(index + 1, word)).join('');
const runner = { ...defaultRunnerSettings, workers: 1, fsync: 'always' as const };

/** Runs the input, and changes it when the first result is on disk. */
async function runWhile(
  change: (path: string) => Promise<void>,
  changes: Partial<RunRequest> = {},
): Promise<{ folder: RunFolder; error: unknown; manifest: Manifest }> {
  const folder = await createRunFolder(linesOf());
  let changed: Promise<void> | null = null;
  const onResults = (): Promise<void> => (changed ??= change(folder.at('in.jsonl')));
  const error = await folder.run({ runner, ...changes }, { onResults }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  const manifest = JSON.parse(await readFile(folder.at('out.jsonl.run.json'), 'utf8')) as Manifest;
  return { folder, error, manifest };
}

async function overwrite(path: string, text: string): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(text, 0);
  await handle.close();
}

/** The first words of the answers, which repeat the prompts; the kinds of failures. */
const outcomes = async (folder: RunFolder): Promise<string[]> => [
  ...new Set(
    (await folder.results()).map(({ response, error }) =>
      response === null ? String(error?.code) : (answerText(response.body).split(' ')[0] ?? ''),
    ),
  ),
];

describe('an input that is changed in place while the run goes on', () => {
  test.each([
    ['by other words of the same length', (path: string) => overwrite(path, linesOf('QUESTION'))],
    ['by a line before the others', (path: string) => overwrite(path, lineOf(0) + linesOf())],
    ['by being emptied', (path: string) => truncate(path, 0)],
    ['by a byte in the middle of its last line', (path: string) => overwrite(path, `${linesOf().slice(0, -1000)}y`)],
  ])(
    '%s ends the run, which records nothing for what changed, and goes on when it is as it was',
    async (_name, change) => {
      const { folder, error, manifest } = await runWhile(change);
      expect(error).toMatchObject({ exitCode: 2 });
      expect(String(error)).toMatch(/line \d+ of .*in\.jsonl has changed since the run began/);
      expect(manifest).toMatchObject({ state: 'stopped' });
      expect(manifest.reason).toMatch(/has changed since the run began/);
      expect(await outcomes(folder)).toEqual(['question']);
      const before = (await folder.results()).length;
      expect(before).toBeLessThan(count);
      await writeFile(folder.at('in.jsonl'), linesOf());
      const { snapshot } = await folder.run({ runner });
      expect(snapshot.progress).toMatchObject({ done: count, failed: 0 });
      expect(await outcomes(folder)).toEqual(['question']);
    },
  );

  test('with a drift that is allowed, the run goes on with the lines that are what they were', async () => {
    const change = async (path: string): Promise<void> => {
      const start = Buffer.byteLength(linesOf()) - 2 * Buffer.byteLength(lineOf(count));
      const handle = await open(path, 'r+');
      await handle.write(lineOf(count - 1, 'QUESTION'), start);
      await handle.close();
    };
    const { folder, error, manifest } = await runWhile(change, { allowDrift: true });
    expect(error).toMatchObject({ exitCode: 2 });
    expect(String(error)).toMatch(/line 39 of .*in\.jsonl has changed since the run began, and was skipped/);
    expect(manifest.state).toBe('stopped');
    expect((await folder.results()).map((line) => line.custom_id)).not.toContain('r39');
    expect((await folder.results()).length).toBe(count - 1);
    const { snapshot } = await folder.run({ runner, allowDrift: true });
    expect(snapshot.progress).toMatchObject({ done: count, failed: 0 });
    expect((await outcomes(folder)).toSorted()).toEqual(['QUESTION', 'question']);
  });
});

test('the end names the first of any number of lines that were left out', () => {
  const request = { input: 'in.jsonl', paths: pathsOf('/tmp/out.jsonl'), allowDrift: true };
  const changed = createChangedLines(request);
  expect(changed.check).not.toThrow();
  for (let line = 300_000; line > 6; line--) changed.note(line);
  changed.note(7);
  expect(changed.check).toThrow(/^299,994 lines of in\.jsonl have changed .*, line 7 the first/);
});

describe('no change of what the run reads', () => {
  test('is an input that grows at its end', async () => {
    const { folder, error, manifest } = await runWhile((path) => appendFile(path, lineOf(count + 1)));
    expect([error, manifest.state]).toEqual([null, 'finished']);
    const { snapshot } = await folder.run({ runner });
    expect(snapshot.progress).toMatchObject({ done: count + 1, failed: 0 });
  });

  test('is another file at its place: the old one is read to its end', async () => {
    const { folder, error, manifest } = await runWhile(async (path) => {
      await writeFile(`${path}.new`, linesOf('QUESTION'));
      await rename(`${path}.new`, path);
    });
    expect([error, manifest.state]).toEqual([null, 'finished']);
    expect(await outcomes(folder)).toEqual(['question']);
    await expect(folder.run({ runner })).rejects.toThrow(/input/);
  });
});
