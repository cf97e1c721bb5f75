#!/usr/bin/env node
// A llama-server that loads nothing: what it does stands as JSON in the variable FAKE_SERVER (see `FakeServer` beside it).
import { createServer } from 'node:http';
import { rmSync, writeFileSync } from 'node:fs';

const does = JSON.parse(process.env.FAKE_SERVER ?? '{}');
const flags = process.argv.slice(2);
const valueOf = (name) => flags[flags.indexOf(name) + 1];

if (flags.includes('--version')) end(0, `version: ${does.version ?? '9.0.0 (build 99999, commit fake)'}`);
if (flags.includes('--list-devices')) end(0, ['Available devices:', ...(does.devices ?? ['(none)'])].join('\n  '));
if (flags.includes(does.refusedFlag)) end(1, `error: invalid argument: ${does.refusedFlag}`);
if (does.flagsFile) writeFileSync(does.flagsFile, JSON.stringify({ flags, environment: process.env }));

function end(code, text) {
  process.stderr.write(`${text}\n`);
  process.exit(code);
}

const server = createServer((request, response) => {
  const isAllowed = request.headers.authorization === `Bearer ${process.env.LLAMA_API_KEY}`;
  let body = '';
  request.setEncoding('utf8').on('data', (piece) => (body += piece));
  request.on('end', () => {
    if (request.url === '/health') response.writeHead(does.isLoading ? 503 : 200).end('{}');
    else if (isAllowed) answer(JSON.parse(body), response);
    else response.writeHead(401).end();
  });
});

let answers = 0;
function answer({ prompt, n_predict: limit }, response) {
  // The first request is the one with which llmbatch tries the server.
  const isTrial = limit === 1;
  if (!isTrial && does.diesAt === ++answers) process.kill(process.pid, 'SIGKILL');
  if (!isTrial && does.status) {
    response.writeHead(does.status).end(JSON.stringify(does.error));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const read = { cache: 0, processed: prompt.length, total: prompt.length };
  send(response, { content: '', tokens: [], tokens_predicted: 0, prompt_progress: read });
  const pieces = isTrial ? [['x', 1]] : (does.pieces ?? [['yes', 1]]);
  if (!isTrial && does.line) response.write(`${does.line}\n\n`);
  for (const [content, tokens_predicted] of pieces) send(response, { content, tokens: [9], tokens_predicted });
  if (!isTrial && does.hangs) return;
  const tokens_predicted = pieces.at(-1)[1] + 1;
  const last = { stop: true, stop_type: 'eos', tokens_predicted, tokens_evaluated: prompt.length, truncated: false };
  send(response, { content: '', tokens: [], ...last, ...(isTrial ? {} : does.last) });
  response.end();
}

const send = (response, event) => response.write(`data: ${JSON.stringify(event)}\n\n`);

const host = valueOf('--host');
if (host.endsWith('.sock')) server.listen(host);
else server.listen(Number(valueOf('--port')), host);
process.on('exit', () => host.endsWith('.sock') && rmSync(host, { force: true }));
