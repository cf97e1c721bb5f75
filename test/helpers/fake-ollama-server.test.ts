import { expect, onTestFinished, test } from 'vitest';
import { candidate, candidates } from '../backends/candidates.ts';
import { type FakeOllamaOptions, startFakeOllama } from './fake-ollama-server.ts';

async function start(options: FakeOllamaOptions = {}) {
  const server = await startFakeOllama(options);
  onTestFinished(() => server.close());
  return server;
}

async function ask(url: string, index: number): Promise<string> {
  const { messages } = candidate(index).request.body;
  const body = JSON.stringify({ model: 'tiny-scorer', messages, stream: false });
  const response = await fetch(`${url}/api/chat`, { method: 'POST', body });
  return ((await response.json()) as { message: { content: string } }).message.content;
}

test('it answers every candidate right, as many at once as it has slots', async () => {
  const server = await start({ slots: 4 });
  const answers = await Promise.all(candidates.map((_, index) => ask(server.url, index)));
  expect(answers).toEqual(candidates.map(({ answer }) => answer));
  expect(server).toMatchObject({ loads: 1, maxInFlight: 4 });
});
