import { beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent, Notice } from '../../src/core/events.ts';
import { type ChatMessage, textOf } from '../../src/core/request.ts';
import { defaultConversation } from '../../src/core/settings.ts';
import {
  type Conversations,
  type RestoredHistory,
  type Turn,
  createConversations,
  turnOf,
  turnsOfHistory,
} from '../../src/scheduler/conversation.ts';
import { chat, completion } from './requests.ts';

let events: RunEvent[];
let notices: string[];
beforeEach(() => {
  events = [];
  notices = [];
});

const emit = (event: RunEvent): void => void events.push(event);
const notify = ({ text }: Notice): void => void notices.push(text);

function open(
  settings: Partial<typeof defaultConversation>,
  restored = new Map<number, RestoredHistory>(),
): Conversations {
  return createConversations({
    settings: { ...defaultConversation, ...settings },
    contextTokens: null,
    restored,
    emit,
    notify,
  });
}

/** One answered turn; returns the texts that were sent. */
function ask(
  conversations: Conversations,
  question: string,
  { worker = 0, system = 'S', totalTokens = 2 } = {},
): string[] {
  const request = chat(question, question, { system });
  const { request: sent } = conversations.extend(worker, request);
  conversations.accept(worker, request, completion(`A${question}`, { totalTokens }).body);
  return textsOf(sent.body.messages);
}

const textsOf = (messages: ChatMessage[] = []): string[] => messages.map(({ content }) => textOf(content));

describe('a conversation', () => {
  test('sends the system prompt once, then turn after turn, the new question last', () => {
    const conversations = open({});
    expect(ask(conversations, '1')).toEqual(['S', '1']);
    expect(ask(conversations, '2')).toEqual(['S', '1', 'A1', '2']);
    expect(ask(conversations, '3')).toEqual(['S', '1', 'A1', '2', 'A2', '3']);
  });

  test('leaves the request itself as it was', () => {
    const conversations = open({});
    ask(conversations, '1');
    const request = chat('2', '2', { system: 'S' });
    conversations.extend(0, request);
    expect(request).toEqual(chat('2', '2', { system: 'S' }));
  });

  test('is one for each worker', () => {
    const conversations = open({});
    ask(conversations, '1', { worker: 0 });
    expect(ask(conversations, '2', { worker: 1 })).toEqual(['S', '2']);
  });

  test('begins anew under another system prompt', () => {
    const conversations = open({});
    ask(conversations, '1');
    expect(ask(conversations, '2', { system: 'T' })).toEqual(['T', '2']);
    expect(ask(conversations, '3', { system: 'T' })).toEqual(['T', '2', 'A2', '3']);
  });

  test('keeps nothing of a turn that failed', () => {
    const conversations = open({});
    ask(conversations, '1');
    conversations.extend(0, chat('2', 'failed', { system: 'S' }));
    expect(ask(conversations, '3')).toEqual(['S', '1', 'A1', '3']);
  });

  test('is trimmed after so many turns, to whole turns of at most so many messages', () => {
    const conversations = open({ trimEvery: 3, keepMessages: 3 });
    for (const question of ['1', '2', '3']) ask(conversations, question);
    expect(events).toEqual([{ type: 'history-trim', worker: 0, reason: '3 turns', messages: 2 }]);
    expect(ask(conversations, '4')).toEqual(['S', '3', 'A3', '4']);
  });

  test('keeps a turn of several messages whole or not at all', () => {
    const conversations = open({ trimEvery: 2, keepMessages: 4 });
    const long = chat('1', 'a', { messages: ['a', 'b', 'c', 'd'].map((content) => ({ role: 'user', content })) });
    conversations.extend(0, long);
    conversations.accept(0, long, completion('A').body);
    ask(conversations, '2', { system: '' });
    expect(events).toMatchObject([{ messages: 2 }]);
  });

  test('is trimmed when prompt and answer reach the tokens, and the count of turns begins anew', () => {
    const conversations = open({ trimEvery: 3, keepMessages: 2, trimTokens: 100 });
    ask(conversations, '1');
    ask(conversations, '2', { totalTokens: 100 });
    expect(events).toMatchObject([{ reason: '100 of 100 tokens', messages: 2 }]);
    ask(conversations, '3');
    ask(conversations, '4');
    expect(events).toHaveLength(1);
    expect(ask(conversations, '5')).toEqual(['S', '2', 'A2', '3', 'A3', '4', 'A4', '5']);
  });

  test('keeps the share of a smaller context window', () => {
    const conversations = createConversations({
      settings: { ...defaultConversation, trimTokens: 28_000, contextTokens: 32_000 },
      contextTokens: 4000,
      restored: new Map(),
      emit,
      notify,
    });
    ask(conversations, '1', { totalTokens: 3499 });
    expect(events).toEqual([]);
    ask(conversations, '2', { totalTokens: 3500 });
    expect(events).toMatchObject([{ reason: '3500 of 3500 tokens' }]);
  });

  test('can be dropped once; then there is nothing left to drop', () => {
    const conversations = open({});
    expect(conversations.forget(0, 'too long')).toBe(false);
    ask(conversations, '1');
    expect(conversations.forget(0, 'too long')).toBe(true);
    expect(conversations.forget(0, 'too long')).toBe(false);
    expect(ask(conversations, '2')).toEqual(['S', '2']);
  });
});

describe('all conversations', () => {
  const reason = { kind: 'GPU memory', text: 'GPU memory is at 90%' };

  test('are trimmed to the messages that are kept, and dropped where that changes nothing', () => {
    const conversations = open({ keepMessages: 2 });
    for (const question of ['1', '2']) ask(conversations, question, { worker: 0 });
    ask(conversations, '3', { worker: 1 });
    expect(conversations.trimAll(reason)).toBe(1);
    expect(conversations.trimAll(reason)).toBe(2);
    expect(conversations.trimAll(reason)).toBe(0);
    expect(events.map((event) => event.type === 'history-trim' && [event.worker, event.messages])).toEqual([
      [0, 2],
      [0, 0],
      [1, 0],
    ]);
    expect(ask(conversations, '4', { worker: 0 })).toEqual(['S', '4']);
  });

  test('say the first trim of each kind, and no other one', () => {
    const conversations = open({ trimEvery: 2, keepMessages: 2, trimTokens: 100 });
    for (let question = 1; question <= 9; question++) {
      ask(conversations, `${question}`, { worker: question % 2, totalTokens: question > 6 ? 100 + question : 2 });
    }
    conversations.forget(0, 'the prompt did not fit');
    conversations.trimAll(reason);
    expect(events.length).toBeGreaterThan(notices.length);
    expect(notices).toEqual([
      'a history was trimmed to 2 messages (2 turns); later trims are counted',
      'a history was trimmed to 2 messages (109 of 100 tokens); later trims are counted',
      'a history was trimmed to 0 messages (the prompt did not fit); later trims are counted',
      'a history was trimmed to 0 messages (GPU memory is at 90%); later trims are counted',
    ]);
  });
});

describe('a restored conversation', () => {
  test('goes on as if the run had never stopped, wherever it stopped', () => {
    const settings = { trimEvery: 4, keepMessages: 5 };
    const questions = Array.from({ length: 14 }, (_, index) => `${index + 1}`);
    const whole = open(settings);
    const sent = questions.map((question) => ask(whole, question));
    for (let stop = 1; stop < questions.length; stop++) {
      const resumed = open(settings, new Map([[0, restoredAfter(questions.slice(0, stop), settings)]]));
      expect(questions.slice(stop).map((question) => ask(resumed, question))).toEqual(sent.slice(stop));
    }
  });

  test('is trimmed first where the last turn filled the window', () => {
    const questions = ['1', '2', '3'];
    const restored = { ...restoredAfter(questions, {}), tokens: defaultConversation.trimTokens };
    const resumed = open({ keepMessages: 2 }, new Map([[0, restored]]));
    expect(ask(resumed, '4')).toEqual(['S', '3', 'A3', '4']);
  });

  test('has the turns that the last one had before it', () => {
    const turns = ['1', '2', '3', '4'].map((text): Turn => turnOf(chat(text), `A${text}`));
    const place = { worker: 0, turn: 4, sinceTrim: 1 };
    expect(turnsOfHistory(turns, { ...place, history: 4 })).toEqual(turns.slice(1));
    expect(turnsOfHistory(turns, { ...place, history: 0 })).toEqual(turns.slice(3));
    expect(turnsOfHistory([], { ...place, history: 4 })).toEqual([]);
  });
});

/** What a resume finds of a run that stopped after these questions: all turns, and the place of the last one. */
function restoredAfter(questions: string[], settings: Partial<typeof defaultConversation>): RestoredHistory {
  const conversations = open(settings);
  let place = { worker: 0, turn: 0, history: 0, sinceTrim: 0 };
  for (const question of questions) {
    const request = chat(question, question, { system: 'S' });
    ({ place } = conversations.extend(0, request));
    conversations.accept(0, request, completion(`A${question}`).body);
  }
  const turns = questions.map((question) => turnOf(chat(question, question, { system: 'S' }), `A${question}`));
  return { system: 'S', turns: turnsOfHistory(turns, place), place, tokens: 0 };
}

test('an answer that ends a message of the assistant’s makes one message with it', () => {
  const begun = chat('q', 'q', { system: 'S' });
  begun.body.messages = [...begun.body.messages!, { role: 'assistant', content: 'The colour is' }];
  const whole = { role: 'assistant', content: 'The colour is red.' };
  expect(turnOf(begun, ' red.').messages.at(-1)).toEqual(whole);
  expect(turnOf(begun, ' red.').messages).toHaveLength(2);
  begun.body['continue_final_message'] = false;
  expect(
    turnOf(begun, 'Red.')
      .messages.slice(-2)
      .map(({ content }) => content),
  ).toEqual(['The colour is', 'Red.']);
});
