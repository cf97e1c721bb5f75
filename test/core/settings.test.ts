import { expect, test } from 'vitest';
import { runnerSettingsSchema } from '../../src/core/settings-schema.ts';
import { defaultConversation, defaultRunnerSettings } from '../../src/core/settings.ts';

test('a history is trimmed to 40 messages, every 50 turns and at 28,672 of 32,768 tokens', () => {
  expect(defaultConversation).toEqual({ trimEvery: 50, keepMessages: 40, trimTokens: 28_672, contextTokens: 32_768 });
});

test('runner settings of llmbatch 0.1 name the connection beside the others', () => {
  const { connections: _connections, ...others } = defaultRunnerSettings;
  const former = { ...others, host: null, baseUrl: null, python: './py', gpus: [0, 1] };
  const connections = [{ python: './py', gpus: [0, 1] }];
  expect(runnerSettingsSchema.parse(former)).toEqual({ ...defaultRunnerSettings, connections });
});
