import { type ResponseBody, answerText } from '../core/completion.ts';
import type { Emit, Notify } from '../core/events.ts';
import {
  type BatchRequest,
  type ChatMessage,
  continuesLastMessage,
  isSystem,
  systemPromptOf,
  textOf,
} from '../core/request.ts';
import type { TurnPlace } from '../core/result-line.ts';
import type { AnswerSettings } from '../core/settings.ts';

/** One turn of a history: the request's own messages, then the answer. Whole or not there at all. */
export interface Turn {
  messages: ChatMessage[];
}

export interface RestoredHistory {
  system: string;
  turns: Turn[];
  /** Place of the last turn. */
  place: TurnPlace;
  /** Prompt and answer of the last turn. */
  tokens: number;
}

/**
 * Rolling conversations, one a worker: the system prompt once, then turn after turn. Trimmed in whole turns: after
 * `trimEvery` turns, and when prompt and answer reached `trimTokens`. A request under another system prompt starts
 * a history of its own.
 */
export interface Conversations {
  /** The request with the worker's history before its own messages. */
  extend: (worker: number, request: BatchRequest) => { request: BatchRequest; place: TurnPlace };
  /** The turn was answered: it becomes history. A failed turn leaves nothing. */
  accept: (worker: number, request: BatchRequest, body: ResponseBody) => void;
  /** Drops the worker's history; false when there was none to drop. */
  forget: (worker: number, reason: string) => boolean;
  /** Trims every history to `keepMessages`, or drops them all where that changes none. How many were trimmed. */
  trimAll: (reason: TrimReason) => number;
}

/** The first trim of a kind is said to the user, later ones are only counted. */
interface TrimReason {
  kind: string;
  text: string;
}

interface History {
  system: string;
  turns: Turn[];
  turn: number;
  sinceTrim: number;
}

export function createConversations(options: {
  settings: AnswerSettings['conversation'];
  /** Tokens that prompt and answer can have together, as the engine was loaded. */
  contextTokens: number | null;
  restored: ReadonlyMap<number, RestoredHistory>;
  emit: Emit;
  notify: Notify;
}): Conversations {
  const { settings, emit, notify } = options;
  const trimTokens = trimLimit(settings, options.contextTokens);
  const histories = new Map([...options.restored].map(([worker, restored]) => [worker, historyOf(restored)]));

  const { trim, trimLonger } = createTrimmer(histories, emit, notify);

  const trimWhenDue = (worker: number, tokens: number): void => {
    const { trimEvery, keepMessages } = settings;
    const sinceTrim = histories.get(worker)?.sinceTrim ?? 0;
    if (sinceTrim >= trimEvery) trim(worker, { kind: 'turns', text: `${trimEvery} turns` }, keepMessages);
    else if (tokens >= trimTokens)
      trim(worker, { kind: 'tokens', text: `${tokens} of ${trimTokens} tokens` }, keepMessages);
  };
  // A run that died right after a turn had not trimmed yet what is restored here.
  for (const [worker, { tokens }] of options.restored) trimWhenDue(worker, tokens);

  return {
    extend(worker, request) {
      const system = systemPromptOf(request.body);
      const known = histories.get(worker);
      const history = known?.system === system ? known : { system, turns: [], turn: known?.turn ?? 0, sinceTrim: 0 };
      histories.set(worker, history);
      const earlier = history.turns.flatMap(({ messages }) => messages);
      const { head, own } = splitMessages(request);
      const place = { worker, turn: history.turn + 1, history: earlier.length, sinceTrim: history.sinceTrim };
      return { request: { ...request, body: { ...request.body, messages: [...head, ...earlier, ...own] } }, place };
    },
    accept(worker, request, body) {
      const history = histories.get(worker);
      if (history === undefined) return;
      history.turn++;
      history.sinceTrim++;
      history.turns.push(turnOf(request, answerText(body)));
      trimWhenDue(worker, body.usage?.total_tokens ?? 0);
    },
    forget(worker, reason) {
      const history = histories.get(worker);
      if (history === undefined || history.turns.length === 0) return false;
      trim(worker, { kind: reason, text: reason }, 0);
      return true;
    },
    trimAll: (reason) => trimLonger(reason, settings.keepMessages) || trimLonger(reason, 0),
  };
}

/** Histories that an engine can have; the workers of the next one are numbered behind them. */
const maxHistories = 1000;

/** The histories of one engine's workers, by the number of the worker among those of that engine. */
export function historiesFrom(all: Conversations, engine: number): Conversations {
  const first = engine * maxHistories;
  return {
    extend: (worker, request) => all.extend(first + worker, request),
    accept: (worker, request, body) => all.accept(first + worker, request, body),
    forget: (worker, reason) => all.forget(first + worker, reason),
    trimAll: all.trimAll,
  };
}

function createTrimmer(histories: Map<number, History>, emit: Emit, notify: Notify) {
  const announced = new Set<string>();

  const trim = (worker: number, { kind, text }: TrimReason, keep: number): void => {
    const history = histories.get(worker);
    if (history === undefined) return;
    history.turns = lastTurns(history.turns, keep);
    history.sinceTrim = 0;
    const messages = countMessages(history.turns);
    emit({ type: 'history-trim', worker, reason: text, messages });
    if (announced.has(kind)) return;
    announced.add(kind);
    const trimmed = `a history was trimmed to ${messages} messages (${text}); later trims are counted`;
    notify({ topic: 'history-trim', text: trimmed });
  };
  /** Trims the histories that are longer than what is kept; returns how many those were. */
  const trimLonger = (reason: TrimReason, keep: number): number => {
    const longer = [...histories].filter(([, { turns }]) => lastTurns(turns, keep).length < turns.length);
    for (const [worker] of longer) trim(worker, reason, keep);
    return longer.length;
  };
  return { trim, trimLonger };
}

/** The share of the window is kept where the engine's window is smaller than the one the flags speak of. */
function trimLimit({ trimTokens, contextTokens }: AnswerSettings['conversation'], actual: number | null): number {
  return actual === null || actual >= contextTokens ? trimTokens : Math.floor((actual * trimTokens) / contextTokens);
}

/**
 * A turn as it stands in the history: what the request said, without its system prompt, and the answer, which ends a last
 * message that was begun.
 */
export function turnOf(request: BatchRequest, answer: string): Turn {
  const { own } = splitMessages(request);
  const begun = continuesLastMessage(request.body) ? own.at(-1) : undefined;
  if (begun === undefined) return { messages: [...own, { role: 'assistant', content: answer }] };
  return { messages: [...own.slice(0, -1), { ...begun, content: textOf(begun.content ?? null) + answer }] };
}

/**
 * The turns that the last answered turn had before it, and itself: what a stopped run's history was. Takes the worker's
 * turns in order; more than enough of them.
 */
export function turnsOfHistory(turns: readonly Turn[], place: TurnPlace): Turn[] {
  const last = turns.at(-1);
  if (last === undefined) return [];
  return lastTurns(turns, place.history + last.messages.length);
}

function historyOf({ system, turns, place }: RestoredHistory): History {
  return { system, turns, turn: place.turn, sinceTrim: place.sinceTrim + 1 };
}

function splitMessages(request: BatchRequest): { head: ChatMessage[]; own: ChatMessage[] } {
  const messages = request.body.messages ?? [];
  const first = messages.findIndex((message) => !isSystem(message));
  const at = first === -1 ? messages.length : first;
  return { head: messages.slice(0, at), own: messages.slice(at) };
}

/** Returns as many of the last turns as fit into `maxMessages` messages: whole turns, or the history would begin with an answer. */
function lastTurns(turns: readonly Turn[], maxMessages: number): Turn[] {
  let from = turns.length;
  for (let count = 0; from > 0; from--) {
    count += turns[from - 1]?.messages.length ?? 0;
    if (count > maxMessages) break;
  }
  return turns.slice(from);
}

const countMessages = (turns: readonly Turn[]): number => turns.reduce((sum, { messages }) => sum + messages.length, 0);
