import type { z } from 'zod';
import type { answerSettingsSchema, runnerSettingsSchema } from './settings-schema.ts';

/** Settings that shape the answers. The schemas stand in a file of their own: to load zod takes as long as all of `--help`. */
export type AnswerSettings = z.infer<typeof answerSettingsSchema>;
/** Settings of how a run is carried out. */
export type RunnerSettings = z.infer<typeof runnerSettingsSchema>;
export type VramLimit = RunnerSettings['vramLimit'];

export const defaultRunnerSettings: RunnerSettings = {
  workers: null,
  retries: 3,
  retryOn: [],
  timeoutMs: null,
  stallTimeoutMs: 300_000,
  drainTimeoutMs: 30_000,
  maxErrorRate: 0.5,
  strict: false,
  connections: [{}],
  background: false,
  hours: null,
  unload: false,
  vramLimit: 'auto',
  forceHistories: false,
  reuse: [],
  dedupe: false,
  order: 'input',
  fsync: 'group',
};

export const defaultConversation: AnswerSettings['conversation'] = {
  trimEvery: 50,
  keepMessages: 40,
  trimTokens: 28_672,
  contextTokens: 32_768,
};

export const defaultAnswerSettings: AnswerSettings = {
  backend: 'auto',
  model: null,
  mode: 'auto',
  system: null,
  promptTemplate: null,
  schema: null,
  parameters: {},
  options: {},
  format: 'auto',
  delimiter: null,
  encoding: null,
  idField: null,
  allowEmptyFields: false,
  chatTemplate: null,
  limit: null,
  sample: null,
  conversation: defaultConversation,
  controlTokens: 'text',
  allowTruncated: false,
  allowEmptyAnswers: false,
  allowRepetition: false,
};

/** Settings whose values belong to the user or to an engine: their keys are spelled the same in code and on disk. */
export const opaqueKeys: ReadonlySet<string> = new Set(['schema', 'parameters', 'options']);
