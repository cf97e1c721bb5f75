import type { OpenRequest } from '../../src/core/backend.ts';
import type { BackendAddress } from '../../src/core/connection.ts';

/** No server but where the test says there is one: nothing listens on this port. */
export const nowhere: BackendAddress = { connection: { host: '127.0.0.1:9' }, environment: {} };

/** What a backend is opened with where a test does not care. */
export const openRequest = (model: string, changes: Partial<OpenRequest> = {}): OpenRequest => ({
  model,
  options: {},
  workers: null,
  timeoutMs: null,
  stallTimeoutMs: 300_000,
  conversationTokens: null,
  chatTemplate: null,
  allowControlTokens: false,
  allowRepetition: false,
  unload: false,
  logFile: null,
  promptLengths: async () => null,
  ...nowhere,
  signal: new AbortController().signal,
  onNotice: () => {},
  onRestart: () => {},
  onEngineLoad: () => {},
  ...changes,
});
