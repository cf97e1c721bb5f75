import { readFile, truncate } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { answerText } from '../../src/core/completion.ts';
import type { ResultLine } from '../../src/core/result-line.ts';
import { defaultConversation, defaultRunnerSettings } from '../../src/core/settings.ts';
import { prompts } from '../helpers/run-cli.ts';
import { createRunFolder, mockSettings } from '../helpers/start-run.ts';

const lines = 14;
const settings = {
  ...mockSettings,
  mode: 'conversation' as const,
  conversation: { ...defaultConversation, trimEvery: 4, keepMessages: 5 },
};
const runner = { ...defaultRunnerSettings, workers: 1 };

/** What tells one history from another: the mock counts every word of the prompt, and what it shares with the last. */
const turnOf = ({ custom_id, response, llmbatch }: ResultLine): unknown => [
  custom_id,
  response === null ? null : answerText(response.body),
  response?.body.usage!.prompt_tokens,
  llmbatch.conversation,
];

describe('a conversation that was stopped', () => {
  test('goes on with the history that it would have had, wherever it was cut', async () => {
    const folder = await createRunFolder(prompts(lines));
    await folder.run({ settings, runner });
    const whole = (await folder.results()).map(turnOf);
    const output = await readFile(folder.at('out.jsonl'), 'utf8');
    for (let kept = 0; kept < lines; kept++) {
      const head = output
        .split('\n')
        .slice(0, kept)
        .map((line) => `${line}\n`);
      await truncate(folder.at('out.jsonl'), Buffer.byteLength(head.join('')));
      await folder.run({ settings, runner });
      expect((await folder.results()).map(turnOf)).toEqual(whole);
    }
  });

  test('keeps a history for each worker, and none of a worker that is gone', async () => {
    const folder = await createRunFolder(prompts(60));
    await folder.run({ settings, runner: { ...runner, workers: 4 } });
    const output = await readFile(folder.at('out.jsonl'), 'utf8');
    await truncate(folder.at('out.jsonl'), Buffer.byteLength(output.split('\n').slice(0, 30).join('\n')) + 1);
    const { snapshot } = await folder.run({ settings, runner: { ...runner, workers: 2 } });
    const paths = (await folder.results()).map(({ llmbatch }) => llmbatch.conversation);
    expect(snapshot.progress).toMatchObject({ done: 60, failed: 0, workers: { current: 2 } });
    expect(new Set(paths.map((place) => `${place?.worker} ${place?.turn}`)).size).toBe(60);
  });
});
