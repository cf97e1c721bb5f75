import { expect, test } from 'vitest';
import { startScripted } from '../backends/ollama/scripted-server.ts';
import { startScriptedOpenai, whole } from '../backends/openai/scripted-openai.ts';
import { type CliFolder, type CliOutcome, createCliFolder, mock } from '../helpers/run-cli.ts';

/** A colour, the clipboard, the title, a notifier, C1, the order of letters, what nobody sees, and lines that look like ours. */
const hostile =
  '\u001B[31m\u001B]52;c;cm0gLXJmIH4K\u0007\u001B]0;PWNED\u001B\\\u009B2J\u0085\u202E\u2066\u200B\uFEFF\u2028\r\u0001x';
const forged = `${hostile}\nFinished: 9 requests done\n`;

/** What a terminal acts on, or what nobody sees; of ours there is nothing where neither stream is a terminal. */
const acting = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function expectClean({ stdout, stderr }: CliOutcome): void {
  expect(stderr.match(acting)).toBeNull();
  expect(stdout.match(acting)).toBeNull();
  expect(`${stdout}\n${stderr}`).not.toMatch(/^Finished: 9/m);
}

const lines = (...rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Every command that shows a run. */
async function expectAllClean({ run }: CliFolder, output: string): Promise<void> {
  const shown = [
    ['status', output],
    ['status', output, '--json'],
    ['report', output],
    ['report', output, '--json'],
    ['report', output, '--format', 'markdown'],
    ['report', output, '--format', 'html'],
    ['merge', output, '-o', 'merged.jsonl', '--overwrite'],
  ];
  for (const command of shown) expectClean(await run(command));
}

const inputs = {
  'no JSON': `${hostile}\n`,
  'a marked line': `\u0001${hostile}\n`,
  'an id': lines({ id: forged, prompt: 'Hi' }, { id: forged, prompt: 'Hi' }, { id: `${forged}2` }),
  'a model': lines({ id: 'a', model: forged, prompt: 'Hi' }),
  'a key': lines({ id: 'b', prompt: 'Hi', [forged]: 1 }, { id: 'c', messages: [{ role: forged, [forged]: 1 }] }),
  'a value': lines({ id: 'd', prompt: { [forged]: forged } }, { id: 'e', messages: forged }),
  'a prompt': lines({
    id: 'f',
    messages: [
      { role: 'system', content: forged },
      { role: 'user', content: forged },
    ],
  }),
};
const good = lines({ id: 'ok', prompt: 'Hi', model: 'mock' });

test.each(Object.entries(inputs))('nothing acts on the terminal that a line holds: %s', async (_, text) => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', `${text}${good}`);
  expectClean(await folder.run(['run', 'in.jsonl', '-b', 'mock']));
});

test('nothing acts on the terminal that an input holds, whatever shows it', async () => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', Object.values(inputs).join('') + good);
  const commands = [
    ['validate', 'in.jsonl'],
    ['validate', 'in.jsonl', '--json'],
    ['run', 'in.jsonl', '--dry-run'],
    ['run', 'in.jsonl', '--dry-run', '-b', 'mock', '--json'],
    ['run', 'in.jsonl', '-o', 'out.jsonl', '-b', 'mock', '-m', forged, '--progress', 'json', '--json'],
  ];
  for (const command of commands) expectClean(await folder.run(command));
  await expectAllClean(folder, 'out.jsonl');
});

test('nothing that a user types acts on the terminal when it is quoted', async () => {
  const { run } = await createCliFolder();
  for (const command of [
    ['run', forged],
    ['run', 'in.jsonl', `--${hostile}`],
    ['run', 'in.jsonl', '--workers', forged],
    ['run', 'in.jsonl', '--option', hostile],
    ['run', 'in.jsonl', '-b', hostile],
    [hostile],
    ['status', hostile],
    ['report', hostile, '--json'],
    ['bench', '--report', hostile],
    ['merge', hostile],
  ])
    expectClean(await run(command));
});

test('nothing acts on the terminal that a model answers, not where it ends the run either', async () => {
  const folder = await createCliFolder();
  const format = { response_format: { type: 'json_object' } };
  const rows = Array.from({ length: 60 }, (_, index) => ({ id: `r${index}`, prompt: forged, ...format }));
  await folder.write('in.jsonl', lines(...rows));
  const outcome = await folder.run(['run', 'in.jsonl', '-o', 'out.jsonl', ...mock()]);
  expectClean(outcome);
  expect(outcome.stderr).toContain(String.raw`most recently with schema-invalid: the answer is not JSON, but text`);
  await expectAllClean(folder, 'out.jsonl');
});

test.each([200, 307, 500])('nothing acts on the terminal that a server says with %i', async (status) => {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', lines({ id: 'a', prompt: 'Hi' }, { id: 'b', prompt: 'Hi' }));
  const said = {
    ...whole(forged, { model: forged }),
    error: status === 200 ? undefined : { message: forged, code: forged },
  };
  const openai = await startScriptedOpenai((response) => {
    response.writeHead(status, { location: '/\u009B2J' }).end(JSON.stringify(said));
  });
  const ollama = await startScripted({
    '/api/chat': { status, body: JSON.stringify({ error: forged }) },
    '/api/version': JSON.stringify({ version: `0.34.0${forged}` }),
  });
  for (const [name, ...flags] of [
    ['openai', '-b', 'openai', '--base-url', openai.url],
    ['ollama', '-b', 'ollama', '--host', ollama.url, '--option', 'slots=1', '--option', 'num_ctx=1024'],
  ]) {
    const output = `${name}.jsonl`;
    expectClean(await folder.run(['run', 'in.jsonl', '-o', output, '-m', 'tiny-scorer', '--retries', '0', ...flags]));
  }
  expectClean(await folder.run(['doctor', '--host', ollama.url]));
});
