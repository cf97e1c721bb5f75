import { describe, expect, test } from 'vitest';
import { chooseMode } from '../../../src/run/choose/choose-mode.ts';

const groups = { requests: 1200, groups: 1, largest: 1200, systemPromptLength: 60, isComplete: true };

describe('the mode', () => {
  test('is independent unless a conversation was asked for, and says what was found', () => {
    expect(chooseMode('auto', groups)).toEqual({
      name: 'independent',
      reason:
        'all 1,200 requests share one system prompt; cheaper than one long conversation, and no answer can see another request',
      warning: null,
    });
    expect(chooseMode('independent', groups).reason).toContain('as asked for');
  });

  test('of a conversation comes with a warning', () => {
    const choice = chooseMode('conversation', { ...groups, groups: 3, largest: 600 });
    expect(choice).toMatchObject({ name: 'conversation', warning: expect.stringContaining('influenced') });
    expect(choice.reason).toBe(
      'as asked for; 3 system prompts, the largest shared by 600 requests, 50.0%; a history for each',
    );
  });

  test('is told without numbers that are not known yet', () => {
    const reasonOf = (found: Partial<typeof groups>): string => chooseMode('auto', { ...groups, ...found }).reason;
    expect(reasonOf({ isComplete: false })).toContain('the input is still being read');
    expect(reasonOf({ requests: 0, groups: 0, largest: 0 })).toContain('no requests');
    expect(reasonOf({ requests: 1, largest: 1 })).toContain('a single request');
    expect(reasonOf({ systemPromptLength: 0 })).toContain('no request has a system prompt');
    expect(reasonOf({ groups: 1200, largest: 1 })).toContain('1,200 requests, each with its own system prompt');
  });
});
