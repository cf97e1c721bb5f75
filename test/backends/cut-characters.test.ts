import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import { answerText } from '../../src/core/completion.ts';
import { chat } from './candidates.ts';
import { completed, context } from './conformance.ts';
import { openOn as openOllama } from './ollama/open-ollama-for-test.ts';
import { end, lines, piece, startScripted } from './ollama/scripted-server.ts';
import { openOn as openOpenai } from './openai/open-openai-for-test.ts';
import { delta, events, startScriptedOpenai, whole } from './openai/scripted-openai.ts';

type Send = (response: ServerResponse, body: Record<string, unknown>) => void | Promise<void>;

/** How a backend is asked; the answer of its server with such a text; and the same server, sending it in some way. */
interface Way {
  answer: (text: string) => string;
  open: (send: Send) => Promise<Backend>;
}

const openai = (stream: boolean) => async (send: Send) => {
  const server = await startScriptedOpenai((response, body) => {
    response.setHeader('content-type', stream ? 'text/event-stream' : 'application/json');
    return send(response, body);
  });
  return (await openOpenai(server, { options: { stream } })).backend;
};

const ways: [string, Way][] = [
  ['openai, as a stream', { answer: (text) => events(delta(text), delta('', 'stop')), open: openai(true) }],
  ['openai, whole', { answer: (text) => JSON.stringify(whole(text)), open: openai(false) }],
  [
    'ollama',
    {
      answer: (text) => lines(piece(text), end()),
      open: async (send) => openOllama(await startScripted({ '/api/chat': send })),
    },
  ],
];

const text = 'größte Stärke: 12 €, 翻訳者 😀 \uFFFD';

describe.each(ways)('%s', (_name, { answer, open }) => {
  const bytes = Buffer.from(answer(text));

  test('a character may lie in two packets', { timeout: 30_000 }, async () => {
    const backend = await open(async (response, { messages }) => {
      const [{ content }] = messages as [{ content: string }];
      response.write(bytes.subarray(0, Number(content)));
      await sleep(20);
      response.end(bytes.subarray(Number(content)));
    });
    const ask = async (at: number): Promise<string> => {
      const request = chat([{ role: 'user', content: String(at) }]);
      return answerText(completed(await backend.generate(request, context())).body);
    };
    // In every byte of the text, and a few around it.
    const first = bytes.indexOf('gr') - 2;
    const paths = Array.from({ length: Buffer.byteLength(text) + 4 }, (_, index) => first + index);
    expect(await Promise.all(paths.map(ask))).toEqual(paths.map(() => text));
  });

  test('bytes that are no UTF-8 are no answer', async () => {
    const backend = await open((response) => void response.end(Buffer.from(answer('größte'), 'latin1')));
    const failed = await backend.generate(chat([{ role: 'user', content: 'hi' }]), context());
    expect(failed).toMatchObject({ status: 'failed', kind: 'invalid-response' });
    expect(JSON.stringify(failed)).toContain('not UTF-8');
  });

  test('a failure is one whatever its bytes', async () => {
    const backend = await open((response) => {
      response.writeHead(400).end(Buffer.from('{"error":"größte"}', 'latin1'));
    });
    const failed = await backend.generate(chat([{ role: 'user', content: 'hi' }]), context());
    expect(failed).toMatchObject({ kind: 'bad-request', message: expect.stringContaining('gr\uFFFD') as string });
  });
});
