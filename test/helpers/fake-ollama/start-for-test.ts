import { onTestFinished } from 'vitest';
import { type FakeOllama, type FakeOllamaOptions, startFakeOllama } from '../fake-ollama-server.ts';

/** A fake server, closed when the test has finished. */
export async function startForTest(options: FakeOllamaOptions = {}): Promise<FakeOllama> {
  const server = await startFakeOllama(options);
  onTestFinished(() => server.close());
  return server;
}
