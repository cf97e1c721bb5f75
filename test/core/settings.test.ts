import { expect, test } from 'vitest';
import { defaultConversation } from '../../src/core/settings.ts';

test('a history is trimmed to 40 messages, every 50 turns and at 28,672 of 32,768 tokens', () => {
  expect(defaultConversation).toEqual({ trimEvery: 50, keepMessages: 40, trimTokens: 28_672, contextTokens: 32_768 });
});
