import { expect, test } from 'vitest';
import { candidates } from '../backends/candidates.ts';
import { createCliFolder } from '../helpers/run-cli.ts';
import { candidateLines, realOllama } from './real-engines.ts';

test.skipIf(realOllama === null)('a real Ollama (LLMBATCH_TEST_OLLAMA) answers 500 of 500 right', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', `${candidateLines().join('\n')}\n`);
  const flags = ['-b', 'ollama', '--host', realOllama!, '-m', 'tiny-scorer', '--option', 'num_thread=1'];
  const { exitCode } = await folder.run(['run', 'in.jsonl', ...flags, '--progress', 'none']);
  const results = await folder.results('in.results.jsonl');
  const right = results.filter(
    ({ response }, index) => response?.body.choices?.[0]?.message?.content === candidates[index]?.answer,
  );
  expect([exitCode, right.length]).toEqual([0, 500]);
});
