import type { OpenRequest, ServerPlace } from '../../src/core/backend.ts';

/** No server but where the test says there is one: nothing listens on this port. */
export const nowhere: ServerPlace = { host: '127.0.0.1:9', environment: {} };

/** What a backend is opened with where a test does not care. */
export const openRequest = (model: string, changes: Partial<OpenRequest> = {}): OpenRequest => ({
  model,
  options: {},
  workers: null,
  conversationTokens: null,
  allowControlTokens: false,
  unload: false,
  promptLengths: async () => null,
  ...nowhere,
  signal: new AbortController().signal,
  onNotice: () => {},
  onRestart: () => {},
  ...changes,
});
