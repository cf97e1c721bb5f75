import { describe, expect, test } from 'vitest';
import { ollamaHost } from '../../../src/backends/ollama/http/host.ts';
import { openaiPlace } from '../../../src/backends/openai/http/base-url.ts';
import { UsageError } from '../../../src/core/errors.ts';
import { chat } from '../candidates.ts';
import { context } from '../conformance.ts';
import { openOn as openOllama } from '../ollama/open-ollama-for-test.ts';
import { end, lines, piece, startScripted } from '../ollama/scripted-server.ts';
import { openOn as openOpenai } from '../openai/open-openai-for-test.ts';
import { delta, events, startScriptedOpenai, whole } from '../openai/scripted-openai.ts';

const key = 'sk-Very/Secret+key=0123';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const spell = (how: (code: number) => string): string =>
  Array.from(key, (character) => how(character.charCodeAt(0))).join('');

/** Ways to write the key inside a JSON text. */
const spellings: [name: string, text: string][] = [
  ['plain', key],
  ['upper case', key.toUpperCase()],
  ['escapes of JSON', spell((code) => `\\u00${code.toString(16)}`)],
  ['escapes of a URL', encodeURIComponent(key)],
  ['entities of HTML', spell((code) => `&#${code};`)],
  ['Base64', base64(key)],
  ['Base64 of a header', base64(`Bearer ${key}`)],
];

/** Nothing of the key in what is recorded, told or kept; something is left in its place. */
function expectClean(said: unknown, spelled: string): void {
  const text = JSON.stringify(said);
  expect(text).toContain('[key]');
  for (const part of [key, spelled, JSON.parse(`"${spelled}"`) as string].map((written) => written.slice(2, 14)))
    expect(text.toLowerCase()).not.toContain(part.toLowerCase());
}

const hello = chat([{ role: 'user', content: 'hello' }]);

describe.each(spellings)('the key of an OpenAI-compatible server, written in %s', (_, spelled) => {
  const inJson = (value: unknown): string => JSON.stringify(value).replaceAll('KEY', spelled);
  const long = 'x'.repeat(490);

  test.each<[place: string, status: number, type: string, text: string]>([
    ['an error', 400, 'application/json', inJson({ error: { message: 'bad KEY', code: 'KEY' } })],
    ['an error that is cut in the middle of it', 400, 'application/json', inJson({ error: { message: `${long}KEY` } })],
    ['the text of an error', 400, 'text/plain', `bad ${spelled}`],
    ['the page of an error', 500, 'text/html', `<pre>${spelled}</pre>`],
    ['an answer', 200, 'application/json', inJson(whole('KEY', { KEY: 'KEY' }))],
    ['the reason of an end', 200, 'application/json', inJson({ choices: [{ message: {}, finish_reason: 'KEY' }] })],
    ['a stream', 200, 'text/event-stream', events(delta('a'), delta('b', 'stop')).replace('"a"', `"${spelled}"`)],
    ['an error in a stream', 200, 'text/event-stream', events({ error: 'KEY' }).replace('KEY', spelled)],
    ['what is no part of a stream', 200, 'text/event-stream', `oops ${'x'.repeat(75)} ${spelled}\n\n`],
  ])('is not in %s', async (_place, status, type, text) => {
    const { url } = await startScriptedOpenai((response) => {
      response.writeHead(status, { 'content-type': type }).end(text);
    });
    const options = { stream: type === 'text/event-stream' };
    const { backend } = await openOpenai({ url }, { options, environment: { OPENAI_API_KEY: key } });
    expectClean(await backend.generate(hello, context()), spelled);
  });

  test('is not in the address that it redirects to', async () => {
    const { url } = await startScriptedOpenai((response) => {
      response.writeHead(307, { location: `http://127.0.0.1:1/path/${spelled}/x` }).end();
    });
    const { backend } = await openOpenai({ url }, { environment: { OPENAI_API_KEY: key } });
    expectClean(await backend.generate(hello, context()), spelled);
  });
});

describe.each(spellings)('the key of an Ollama server, written in %s', (_, spelled) => {
  const inJson = (value: unknown): string => JSON.stringify(value).replaceAll('KEY', spelled);
  const inLines = (...parts: unknown[]): string => lines(...parts).replaceAll('KEY', spelled);

  test.each<[place: string, status: number, text: string]>([
    ['an error', 400, inJson({ error: 'bad KEY' })],
    ['an error that is cut in the middle of it', 400, inJson({ error: `${'x'.repeat(460)} KEY` })],
    ['a text', 500, `bad ${spelled}`],
    ['an answer', 200, inLines(piece('KEY'), end())],
    ['a thought', 200, inLines(piece('a', { thinking: 'KEY' }), end())],
    [
      'a call',
      200,
      inLines(piece('', { tool_calls: [{ function: { name: 'f', arguments: { KEY: 'KEY' } } }] }), end()),
    ],
    ['an error in a stream', 200, inLines(piece('a'), { error: `${'x'.repeat(460)} KEY` })],
    ['the reason of an end', 200, inLines(piece('a'), end({ done_reason: 'KEY' }))],
    ['what is no part of a stream', 200, `oops ${'x'.repeat(75)} ${spelled}\n`],
    ['a part of a stream that is none', 200, inLines({ message: { content: 1, [`${'x'.repeat(60)}KEY`]: 1 } })],
  ])('is not in %s', async (_place, status, text) => {
    const server = await startScripted({ '/api/chat': { status, body: text } });
    // Not a name that is known for this machine, so that the key is sent.
    const url = server.url.replace('127.0.0.1', '127.1');
    const backend = await openOllama({ url }, { environment: { OLLAMA_API_KEY: key } });
    expectClean(await backend.generate(hello, context()), spelled);
  });
});

test('a key that comes in two parts of a stream is in no answer', async () => {
  const [first, second] = [key.slice(0, 9), key.slice(9)];
  const ollama = await startScripted({ '/api/chat': lines(piece(first), piece(second), end()) });
  const url = ollama.url.replace('127.0.0.1', '127.1');
  const backend = await openOllama({ url }, { environment: { OLLAMA_API_KEY: key } });
  expectClean(await backend.generate(hello, context()), key);
  const openai = await startScriptedOpenai((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events(delta(first), delta(second, 'stop')));
  });
  const opened = await openOpenai(openai, { environment: { OPENAI_API_KEY: key }, options: { stream: true } });
  expectClean(await opened.backend.generate(hello, context()), key);
});

test('a key that goes over a network in the open is told, on every engine that has one', async () => {
  const notices: string[] = [];
  const onNotice = (text: string): void => void notices.push(text);
  const { url } = await startScripted();
  const elsewhere = url.replace('127.0.0.1', '127.1');
  await openOllama({ url: elsewhere }, { environment: { OLLAMA_API_KEY: key }, onNotice });
  const host = new URL(elsewhere).host;
  expect(notices).toContain(`warning: OLLAMA_API_KEY goes to ${host} without encryption (http)`);
  notices.length = 0;
  await openOllama({ url }, { environment: { OLLAMA_API_KEY: key }, onNotice });
  await openOllama({ url: elsewhere }, { onNotice });
  expect(notices.join('\n')).not.toContain('OLLAMA_API_KEY');
});

test.each(['two\nlines', 'two\r\nlines', 'a space', 'ключ-секрет', 'nul\0'])(
  'a key that no header can carry is refused, and not repeated: %j',
  (bad) => {
    const paths = [
      () => ollamaHost({ connection: { host: 'https://example.com' }, environment: { OLLAMA_API_KEY: bad } }),
      () => openaiPlace({ connection: { baseUrl: 'https://example.com' }, environment: { OPENAI_API_KEY: bad } }),
    ];
    for (const place of paths) {
      expect(place).toThrow(UsageError);
      expect(place).toThrow(/^O\w+_API_KEY contains a character that a key cannot have$/);
    }
  },
);

test('a key with a line feed at its end, as a file has it, is taken', () => {
  expect(ollamaHost({ connection: { host: 'https://a' }, environment: { OLLAMA_API_KEY: `${key}\r\n` } }).key).toBe(
    key,
  );
});

test.each(['http://a/v1?key=hush', 'a/v1?key=hush', 'http://a/#hush', 'http://me:hush@a', 'ftp://a?hush', 'hush@a b'])(
  'an address with a secret in it is refused, and not repeated: %s',
  (address) => {
    const paths = [
      () => ollamaHost({ connection: { host: address }, environment: {} }),
      () => openaiPlace({ connection: { baseUrl: address }, environment: {} }),
    ];
    for (const place of paths) {
      expect(place).toThrow(/^the (address of the Ollama server|base URL) (holds a user name|has more than a path)/);
      expect(place).not.toThrow(/hush/);
    }
  },
);
