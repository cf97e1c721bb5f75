// A worker without an engine: says back what it is asked, or misbehaves as the request wants. Node's own modules only.
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const send = (answer) => writeSync(3, `${JSON.stringify(answer)}\n`);
const misbehave = {
  crash: () => process.abort(),
  exit() {
    throw new Error('about to fail');
  },
  garbage: () => writeSync(3, 'this is no JSON\n'),
  hang() {},
  count(id) {
    send({ type: 'first-token', id });
    send({ type: 'progress', tasks: [[id, 3, 10, 2]] });
    send({ type: 'progress', tasks: [[id, 3, 10, 2]] });
    send({
      type: 'progress',
      tasks: [
        [id, 5],
        [id + 1, 9],
      ],
    });
  },
  orphan() {
    const stdio = ['ignore', 1, 2, 3];
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio, detached: true });
    process.stderr.write(`grandchild ${child.pid}\n`, () => process.abort());
  },
  leak: (id) => {
    const message = `401 for ${process.env.ECHO_TOKEN}`;
    send({ type: 'answer', id, answer: { status: 'failed', kind: 'bad-request', message } });
  },
};

send({ type: 'hello', protocol: process.argv[2] === undefined ? 1 : Number(process.argv[2]) });
let settings;
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const { type, id, ...rest } = JSON.parse(line);
  if (type === 'open') open(rest.settings);
  if (type === 'generate') generate(id, rest.request.body.prompt);
});
lines.on('close', () => {
  if (settings.stays) setInterval(() => {}, 1000);
});

function open(given) {
  settings = given;
  if (given.refuses) send({ type: 'refused', kind: 'model-not-found', message: 'No model.', hint: 'get one' });
  else if (given.dies) misbehave.exit();
  else if (!given.loadsForever) send({ type: 'ready', info: { name: given.name } });
}

function generate(id, prompt) {
  if (misbehave[prompt]) {
    misbehave[prompt](id);
    return;
  }
  send({ type: 'activity', id });
  send({ type: 'first-token', id });
  process.stdout.write('a line on stdout\n');
  send({ type: 'answer', id, answer: { status: 'completed', body: { prompt } } });
}
