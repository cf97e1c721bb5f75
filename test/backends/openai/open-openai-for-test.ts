import { onTestFinished } from 'vitest';
import { openaiBackend } from '../../../src/backends/openai/index.ts';
import type { Backend, OpenRequest } from '../../../src/core/backend.ts';
import { openRequest } from '../../helpers/open-request.ts';
import { type FakeOpenai, type FakeOpenaiOptions, startFakeOpenai } from '../../helpers/fake-openai-server.ts';

/** A fake server, closed when the test has finished. */
export async function startFake(options: FakeOpenaiOptions = {}): Promise<FakeOpenai> {
  const server = await startFakeOpenai(options);
  onTestFinished(() => server.close());
  return server;
}

/** The backend on a server, closed when the test has finished; and what it told the user. */
export async function openOn(
  { url: baseUrl }: { url: string },
  changes: Partial<OpenRequest> = {},
): Promise<{ backend: Backend; notices: string[] }> {
  const notices: string[] = [];
  const onNotice = (text: string): void => void notices.push(text);
  const backend = await openaiBackend.open(
    openRequest('tiny-scorer', { connection: { baseUrl }, onNotice, ...changes }),
  );
  onTestFinished(() => backend.close());
  return { backend, notices };
}
