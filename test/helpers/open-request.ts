import type { OpenRequest, EnginePlace } from '../../src/core/backend.ts';

/** No server but where the test says there is one: nothing listens on this port. */
export const nowhere: EnginePlace = { host: '127.0.0.1:9', baseUrl: null, python: null, environment: {} };

/** What a backend is opened with where a test does not care. */
export const openRequest = (model: string, changes: Partial<OpenRequest> = {}): OpenRequest => ({
  model,
  options: {},
  workers: null,
  timeoutMs: null,
  conversationTokens: null,
  allowControlTokens: false,
  unload: false,
  gpus: null,
  logFile: null,
  promptLengths: async () => null,
  ...nowhere,
  signal: new AbortController().signal,
  onNotice: () => {},
  onRestart: () => {},
  onEngineLoad: () => {},
  ...changes,
});
