import { type AnswerSettings, defaultAnswerSettings, defaultRunnerSettings } from '../../src/core/settings.ts';
import type { Manifest } from '../../src/journal/manifest/manifest.ts';

export const sampleSettings: AnswerSettings = {
  ...defaultAnswerSettings,
  backend: 'mock',
  model: 'mock',
  format: 'jsonl',
  system: 'Score from 0 to 100.',
  schema: { type: 'object', required: ['score'], properties: { score: { type: 'integer' } } },
  parameters: { temperature: 0, max_tokens: 64 },
  options: { latency_ms: 5, seed: 1 },
};

export const sampleManifest = (change: Partial<Manifest> = {}): Manifest => ({
  llmbatch: '0.1.0',
  runId: 'a1b2c3d4',
  state: 'running',
  paused: null,
  reason: null,
  cwd: '/data',
  output: '/data/in.results.jsonl',
  input: { path: '/data/in.jsonl', spool: null, bytes: 10, sha256: 'ab', complete: true, requests: 1, rejected: 0 },
  settings: sampleSettings,
  runner: defaultRunnerSettings,
  shard: null,
  failedOf: null,
  engineForm: null,
  models: [{ backend: 'mock', model: 'mock', digest: null, version: 'mock 1' }],
  mode: { name: 'independent', reason: 'one system prompt' },
  keptAside: [],
  leftOut: [],
  seal: null,
  drift: [],
  sessions: 1,
  createdAt: '2026-11-22T06:00:00.000Z',
  updatedAt: '2026-11-22T06:00:00.000Z',
  finishedAt: null,
  earlierSeconds: 0,
  pausedSeconds: 0,
  summary: null,
  ...change,
});
