import { writeFile } from 'node:fs/promises';
import { array, assert, asyncProperty, boolean, constantFrom, record } from 'fast-check';
import { expect, test } from 'vitest';
import { answerText } from '../../../src/core/completion.ts';
import type { ResultLine } from '../../../src/core/result-line.ts';
import { defaultRunnerSettings } from '../../../src/core/settings.ts';
import { pathsOf } from '../../../src/journal/manifest/run-paths.ts';
import { createRunFolder } from '../../helpers/start-run.ts';

/** Few prompts and settings, so that many requests are the same; some are sampled, and one has a seed. */
const body = record({
  prompt: constantFrom('a', 'b', 'c', 'Grüße'),
  temperature: constantFrom(0, 0.7, undefined),
  max_tokens: constantFrom(3, undefined),
  seed: constantFrom(1, undefined),
});
const input = array(body, { minLength: 1, maxLength: 30 }).map((rows) =>
  [...rows, { prompt: 'last', temperature: 0 }].map((row, at) => ({ id: `r${at}`, ...row })),
);

const isRepeated = (row: { temperature?: number | undefined; seed?: number | undefined } | undefined): boolean =>
  row?.temperature === 0 || row?.seed === 1;

const textOf = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const answersOf = (lines: readonly ResultLine[]) =>
  lines.map(({ custom_id, response, llmbatch }) => [
    custom_id,
    response && answerText(response.body),
    response?.body.usage?.total_tokens,
    llmbatch.line,
    llmbatch.request_hash,
  ]);

test('a run that reuses answers has those of a run that does not, and sends no request twice that repeats', async () => {
  await assert(
    asyncProperty(input, input, boolean(), async (before, now, dedupe) => {
      const folder = await createRunFolder(textOf(before));
      const earlier = pathsOf(folder.at('earlier.jsonl'));
      await folder.run({ paths: earlier });
      await writeFile(folder.at('in.jsonl'), textOf(now));
      await folder.run();
      const fresh = answersOf(await folder.results());
      const runner = { ...defaultRunnerSettings, reuse: [earlier.output], dedupe };
      const { snapshot } = await folder.run({ runner, overwrite: true });
      const lines = await folder.results();
      expect(answersOf(lines)).toEqual(fresh);
      const repeats = lines.filter((_line, at) => isRepeated(now[at]));
      const sent = repeats.filter(({ llmbatch }) => llmbatch.attempts > 0).map(({ llmbatch }) => llmbatch.request_hash);
      if (dedupe) expect(new Set(sent).size).toBe(sent.length);
      expect(snapshot.progress.reused ?? 0).toBe(lines.filter(({ llmbatch }) => llmbatch.reused !== undefined).length);
    }),
    { numRuns: 8 },
  );
});
