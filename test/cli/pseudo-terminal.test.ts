import { execFile } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { type CliFolder, createCliFolder, program, prompts } from '../helpers/run-cli.ts';

const isHere = process.platform === 'linux';

/** Runs a shell command, with `llmbatch` in it, on a terminal of its own. Resolves to all bytes that the terminal got. */
function onTerminal({ path }: CliFolder, command: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const llmbatch = `llmbatch() { ${JSON.stringify(process.execPath)} ${JSON.stringify(program)} "$@"; }`;
  const env = {
    ...{ PATH: process.env['PATH'], HOME: path, XDG_STATE_HOME: `${path}/state` },
    ...{ TERM: 'xterm', LANG: 'C.UTF-8', SHELL: '/bin/bash', ...environment },
  };
  const script = `stty columns 50 rows 20; ${llmbatch}; ${command}`;
  return new Promise((resolve, reject) => {
    execFile('script', ['-qec', script, '/dev/null'], { cwd: path, env }, (error, stdout) =>
      error === null || typeof error.code === 'number' ? resolve(stdout) : reject(error),
    );
  });
}

async function createInput(): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(12));
  return folder;
}

const slow = '-b mock -m mock --workers 2 --option latency_ms=100';

test.runIf(isHere)('results that go to the terminal meet no bar, piped or not', async () => {
  const folder = await createInput();
  for (const command of [
    `cat in.jsonl | llmbatch run - ${slow} | cat`,
    `llmbatch run in.jsonl -o - ${slow}`,
    `llmbatch run in.jsonl -o - --progress bar ${slow}`,
  ]) {
    const shown = await onTerminal(folder, command);
    expect(shown.match(/"custom_id":"r\d+"/g)?.length).toBe(12);
    expect(shown).not.toContain('\u001B');
    expect(shown).toContain('Finished: 12 requests done');
  }
});

test.runIf(isHere)('a bar is drawn where results go to a file, and line wrapping stays as it is', async () => {
  const folder = await createInput();
  for (const command of [`llmbatch run in.jsonl ${slow}`, `llmbatch run in.jsonl -o - ${slow} > results.txt`]) {
    const shown = await onTerminal(folder, command);
    expect(shown).toContain('█');
    expect(shown).toContain('\u001B[?25h');
    expect(shown).not.toContain('\u001B[?7');
  }
});

test.runIf(isHere)('a dumb terminal gets plain text, and another locale ASCII', async () => {
  const folder = await createInput();
  const dumb = await onTerminal(folder, `llmbatch run in.jsonl -o a.jsonl ${slow}`, { TERM: 'dumb' });
  expect(dumb).not.toMatch(/█|░|n\/a/);
  expect(dumb).not.toContain('\u001B');
  const ascii = await onTerminal(folder, `llmbatch run in.jsonl -o b.jsonl ${slow}`, { LC_ALL: 'C' });
  expect(ascii).toMatch(/\[J|#/);
  expect(ascii).not.toMatch(/█|░/);
});

test.runIf(isHere)('a message is broken at its words, a command not at all, and a log has whole lines', async () => {
  const folder = await createInput();
  await folder.write('a-bad-input.jsonl', '{"id":"a","nothing":1}\n');
  const shown = await onTerminal(folder, `llmbatch run a-bad-input.jsonl -b mock -m mock`);
  const lines = stripVTControlCharacters(shown).split('\r\n');
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}llmbatch validate a-bad-input\.jsonl/));
  for (const line of lines.filter((text) => !text.includes('llmbatch'))) expect(line.length).toBeLessThanOrEqual(50);
  const { stderr } = await folder.run(['run', 'a-bad-input.jsonl', '-b', 'mock', '-m', 'mock']);
  expect(stderr).toContain('See all of them with: llmbatch validate a-bad-input.jsonl');
});

test.runIf(isHere)('a table on the terminal gives it nothing to act on, and its reader may leave', async () => {
  const folder = await createInput();
  await folder.write('in.csv', 'id,note\na,"\u001B[31mred\u0007"\n');
  await folder.run(['run', 'in.csv', '-b', 'mock', '-m', 'mock', '--prompt-template', 'Say {{note}}']);
  const shown = await onTerminal(folder, 'llmbatch export in.results.jsonl --fields id,note');
  expect(shown).toContain('id,note\r\na,');
  for (const control of ['\u001B', '\u0007']) expect(shown).not.toContain(control);
  const line = await folder.text('in.results.jsonl');
  const lines = Array.from({ length: 20_000 }, (_, at) => line.replace('"custom_id":"a"', `"custom_id":"a${at}"`));
  await folder.write('many.jsonl', lines.join(''));
  const left = await onTerminal(folder, 'llmbatch export many.jsonl --fields id | head -1; echo "${PIPESTATUS[@]}"');
  expect(
    stripVTControlCharacters(left)
      .split('\r\n')
      .filter((text) => text !== ''),
  ).toEqual(['id', '0 0']);
});
