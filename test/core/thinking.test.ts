import { expect, test } from 'vitest';
import { saysHowToThink, thinkingOf } from '../../src/core/thinking.ts';

test.each<[Record<string, unknown>, unknown]>([
  [{}, null],
  [{ think: null, reasoning_effort: null, chat_template_kwargs: null }, null],
  [{ think: false, reasoning_effort: 'high' }, false],
  [{ think: 500 }, 500],
  [{ think: 'much', reasoning_effort: 'low' }, 'low'],
  [{ reasoning_effort: 'none' }, false],
  [{ chat_template_kwargs: { documents: [] } }, null],
  [{ chat_template_kwargs: { enable_thinking: false, reasoning_effort: 'low' } }, false],
  [{ chat_template_kwargs: { thinking: true } }, true],
  [{ chat_template_kwargs: { thinking: true, reasoning_effort: 'low' } }, 'low'],
  [{ chat_template_kwargs: { thinking_budget: 512 } }, 512],
])('%j says how to think: %j', (body, thinking) => {
  expect(thinkingOf(body)).toBe(thinking);
  expect(saysHowToThink(body)).toBe(thinking !== null);
});

test('a budget of a server is a word on thinking too', () => {
  expect(saysHowToThink({ thinking_token_budget: 5 })).toBe(true);
  expect(saysHowToThink({ thinking_budget_tokens: null })).toBe(false);
});
