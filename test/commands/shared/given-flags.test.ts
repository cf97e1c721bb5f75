import { Command } from 'commander';
import { expect, test } from 'vitest';
import { noteFlags } from '../../../src/commands/shared/given-flags.ts';
import { addRequestFlags } from '../../../src/commands/shared/run-flags.ts';

test('notes the flags as they were typed, and leaves secrets out', () => {
  const command = addRequestFlags(new Command(), [])
    .option('--option <pair>', '', (text, known: string[]) => [...known, text], [])
    .option('--host <url>')
    .option('--unload');
  const given = noteFlags(command, []);
  const typed = ['-m', 'a b', '--stop=-x', '--option', 'seed=1', '--option', 'api_key=k', '--unload'];
  command.parse([...typed, '--host', 'http://me:secret@here'], { from: 'user' });
  expect(given()).toEqual([
    { name: '--model', words: ['--model', 'a b'], isOfRequests: true },
    { name: '--stop', words: ['--stop=-x'], isOfRequests: true },
    { name: '--option', words: ['--option', 'seed=1'], isOfRequests: false },
    { name: '--unload', words: ['--unload'], isOfRequests: false },
  ]);
});
