import { expect, test } from 'vitest';
import type { BatchRequest } from '../../../src/core/request.ts';
import { candidate } from '../candidates.ts';
import { completed, context } from '../conformance.ts';
import { openOn, startFake } from './open-openai-for-test.ts';

const { request } = candidate(0);
const embedding: BatchRequest = {
  ...request,
  endpoint: '/v1/embeddings',
  body: { model: 'tiny-scorer', input: 'a' },
};

/** A server without a path for embeddings. */
async function openWithout(listsModels: boolean, lacks: RegExp) {
  const server = await startFake({ kind: 'hosted', listsModels });
  // An empty request, which asks whether the path is there, is refused by who knows it.
  server.faults = ({ path, text }) => (lacks.test(path) ? 'path-gone' : text === '{}' ? 'bad-key' : null);
  const { backend } = await openOn(server, { options: { stream: false } });
  return { server, backend };
}

test.each([true, false])('a line for a path that the server lacks fails alone (lists models: %s)', async (lists) => {
  const { backend } = await openWithout(lists, /embeddings/);
  expect(await backend.generate(embedding, context())).toMatchObject({
    kind: 'bad-request',
    message: 'The server says: Not Found. This server has no /v1/embeddings.',
    response: { status_code: 404 },
  });
  completed(await backend.generate(request, context()));
});

test('a server that lists its models is asked nothing more', async () => {
  const { server, backend } = await openWithout(true, /embeddings/);
  await backend.generate(embedding, context());
  expect(server.requests).toHaveLength(1);
});

test('one that has no path at all, and no list of models, is at another address', async () => {
  const { backend } = await openWithout(false, /./);
  for (const asked of [embedding, request]) {
    expect(await backend.generate(asked, context())).toMatchObject({
      kind: 'unusable',
      message: expect.stringContaining('check the base URL') as string,
    });
  }
});

test('without a list, the address is asked for once', async () => {
  const { server, backend } = await openWithout(false, /embeddings/);
  await backend.generate(embedding, context());
  const { length } = server.requests;
  await backend.generate(embedding, context());
  expect(server.requests).toHaveLength(length + 1);
});

test('a path that has answered is there: what stands before the server may be wrong for a while', async () => {
  const { server, backend } = await openWithout(true, /embeddings/);
  completed(await backend.generate(request, context()));
  server.faults = () => 'path-gone';
  expect(await backend.generate(request, context())).toMatchObject({
    kind: 'connection',
    message: 'The server says: Not Found. It has answered other requests at this path.',
  });
  server.faults = null;
  completed(await backend.generate(request, context()));
});
