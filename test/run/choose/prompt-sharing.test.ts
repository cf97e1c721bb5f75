import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Backend, Inspection } from '../../../src/core/backend.ts';
import { type BatchRequest, textOf } from '../../../src/core/request.ts';
import { pathsOf } from '../../../src/journal/manifest/run-paths.ts';
import { promptLengths } from '../../../src/run/choose/prompt-lengths.ts';
import { describeSharing } from '../../../src/run/choose/prompt-sharing.ts';
import { type RunInput, readInput } from '../../../src/run/read-input.ts';
import { openMock } from '../../scheduler/requests.ts';
import { scratchFile } from '../../helpers/scratch-folder.ts';
import { mockSettings } from '../../helpers/start-run.ts';

/** Lines of ten characters under a system prompt of thirty. */
const line = (index: number, prompt = `q${String(index).padStart(9, '0')}`): string =>
  JSON.stringify({ id: `r${index}`, system: 's'.repeat(30), prompt });

async function read(lines: string[]): Promise<RunInput> {
  const input = await scratchFile(`${lines.join('\n')}\n`);
  return readInput(
    { input, spool: null, settings: mockSettings, paths: pathsOf(`${input}.out`) },
    { host: { stdin: new PassThrough(), stop: new AbortController().signal }, previous: null },
  );
}

/** A token is a character, and a message has two more. */
const countCharacters = async ({ body }: BatchRequest): Promise<number> =>
  (body.messages ?? []).reduce((sum, { content }) => sum + textOf(content).length + 2, 0);

const counting = async (countPrompt: Inspection['countPrompt']): Promise<Backend> => ({
  ...(await openMock()),
  inspection: countPrompt === undefined ? {} : { countPrompt },
});

const share = async (lines: string[], backend: Backend): Promise<string | null> => {
  const input = await read(lines);
  const text = await describeSharing(input, backend, new AbortController().signal);
  await input.close();
  return text;
};

describe('what the prompts share', () => {
  test('is counted by the engine on a few requests, and multiplied', async () => {
    const lines = Array.from({ length: 100 }, (_, index) => line(index));
    expect(await share(lines, await counting(countCharacters))).toBe(
      'prompts: about 3,000 of 4,400 prompt tokens are shared (68.2%; counted by the engine on 5 requests)',
    );
  });

  test('is not led astray by one line that is far longer', async () => {
    const lines = Array.from({ length: 100 }, (_, index) => line(index, index === 50 ? 'x'.repeat(9000) : undefined));
    expect(await share(lines, await counting(countCharacters))).toContain('3,000 of 4,400');
  });

  test('is not told where the engine does not count, or could not', async () => {
    const lines = Array.from({ length: 100 }, (_, index) => line(index));
    expect(await share(lines, await openMock())).toBeNull();
    expect(await share(lines, await counting(async () => null))).toBeNull();
  });

  test('is not told of a few requests, nor where nothing is shared', async () => {
    const backend = await counting(countCharacters);
    expect(await share([line(1), line(2)], backend)).toBeNull();
    const alone = Array.from({ length: 100 }, (_, index) => JSON.stringify({ id: `r${index}`, prompt: `q${index}` }));
    expect(await share(alone, backend)).toBeNull();
  });
});

describe('the lengths of prompts', () => {
  test('are shown by the longest lines, and by one that 99 of 100 do not pass', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => line(index, 'x'.repeat(10 + index)));
    const input = await read(lines);
    const lengths = await promptLengths(input, 'mock');
    expect(lengths?.longest.map(({ id }) => id)).toEqual(['r299', 'r298', 'r297']);
    expect(lengths?.usual.id).toBe('r296');
    expect(await promptLengths(input, 'another')).toBeNull();
    await input.close();
  });
});
