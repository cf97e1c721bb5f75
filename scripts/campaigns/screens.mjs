// Captures what a terminal shows of four runs at three sizes, with tmux, as text files in a folder to be looked at:
//   node scripts/campaigns/screens.mjs [folder]
// Needs tmux, jq and a built dist/. The server of tmux is one of its own, and ends with the script.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const sizes = ['50x20', '80x24', '120x40'];
const mock = '-b mock -m mock --workers 4 --option latency_ms=500';

const screens = {
  piped: [`cat a.jsonl | llmbatch run - ${mock} | jq -r .response.body.choices[0].message.content`],
  failures: [`llmbatch run a.jsonl ${mock} --retries 0 --option fault_rate=0.2 --option fault_kinds=bad-request`],
  queue: [`llmbatch run a.jsonl b.jsonl c.jsonl ${mock}`],
  resume: [`timeout --foreground -s INT 3 llmbatch run a.jsonl ${mock}`, 'llmbatch resume'],
};

const folder = resolve(process.argv[2] ?? 'screens');
mkdirSync(folder, { recursive: true });
const socket = `llmbatch-screens-${process.pid}`;
const tmux = (...args) => execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], { encoding: 'utf8' });
const program = fileURLToPath(new URL('../../bin/llmbatch.js', import.meta.url));
const capture = () => `${tmux('capture-pane', '-p', '-S', '-500', '-t', 'screen').trimEnd()}\n`;

const lines = (count) =>
  Array.from({ length: count }, (_, index) => JSON.stringify({ id: `r${index}`, prompt: `Zürich, 東京: ${index}?` }));

async function take(name, size, commands) {
  const work = mkdtempSync(join(tmpdir(), 'llmbatch-screens-'));
  for (const input of ['a', 'b', 'c']) writeFileSync(join(work, `${input}.jsonl`), `${lines(30).join('\n')}\n`);
  writeFileSync(
    join(work, 'profile'),
    [
      `export HOME=${work} XDG_STATE_HOME=${work}/state LC_ALL=C.UTF-8 PS1='$ '`,
      `export PATH=${work}:$PATH`,
      `cd ${work}`,
    ].join('\n'),
  );
  symlinkSync(program, join(work, 'llmbatch'));
  const [columns, rows] = size.split('x');
  const shell = `bash --noprofile --rcfile ${join(work, 'profile')}`;
  tmux('new-session', '-d', '-s', 'screen', '-x', columns, '-y', rows, shell);
  // The shell reads what is typed once it shows its prompt.
  await sleep(500);
  for (const [index, command] of commands.entries()) {
    const mark = `done-${index}`;
    tmux('send-keys', '-t', 'screen', `${command}; tmux -L ${socket} wait-for -S ${mark}`, 'Enter');
    if (index === 0) {
      await sleep(2500);
      writeFileSync(join(folder, `${name}-${size}-midway.txt`), capture());
    }
    tmux('wait-for', mark);
  }
  await sleep(200);
  writeFileSync(join(folder, `${name}-${size}.txt`), capture());
  tmux('kill-session', '-t', 'screen');
  rmSync(work, { recursive: true, force: true });
}

try {
  for (const [name, commands] of Object.entries(screens)) for (const size of sizes) await take(name, size, commands);
} finally {
  try {
    execFileSync('tmux', ['-L', socket, 'kill-server'], { stdio: 'ignore' });
  } catch {
    // It has ended with its last session.
  }
}
process.stdout.write(`${folder}\n`);
