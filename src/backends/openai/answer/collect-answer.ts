import { isRecord } from '../../../data/is-record.ts';
import { BrokenAnswer } from '../../http/connection-errors.ts';
import { foreignText } from '../../http/json-text.ts';
import { withTextContent } from './content-parts.ts';
import { worseReason } from './finish-reasons.ts';

type Fields = Record<string, unknown>;

/** Puts the parts of a stream together to the body that the same request without a stream would have got. */
export interface Collector {
  /** Returns what the event is a part of an answer by. */
  add: (event: Fields) => EventPart;
  /** Says whether the model has said anything yet. */
  hasToken: () => boolean;
  body: () => Fields;
}

/**
 * Kinds of events: a token of the model; progress (the end of an answer, or of the prompt's evaluation); nothing, which
 * is no sign of life.
 */
type EventPart = 'token' | 'progress' | 'nothing';

export function createCollector(): Collector {
  const body = noFields();
  const choices = new Map<number, Fields>();
  let hasToken = false;
  return {
    add(event) {
      const { choices: parts, ...others } = event;
      setGiven(body, others);
      let isProgress = isRecord(others['prompt_progress']);
      let says = false;
      for (const part of Array.isArray(parts) ? parts.filter(isRecord) : []) {
        const place = placeOf(part['index']);
        const choice = choices.get(place) ?? noFields();
        choices.set(place, choice);
        says = addPart(choice, part) || says;
        isProgress ||= typeof part['finish_reason'] === 'string';
      }
      hasToken ||= says;
      return says ? 'token' : isProgress ? 'progress' : 'nothing';
    },
    hasToken: () => hasToken,
    body: () => ({ ...body, object: wholeName(body['object']), choices: inOrder(choices) }),
  };
}

/** An object without a prototype: the server chooses the names of fields, and `__proto__` is a name like any other. */
const noFields = (): Fields => Object.create(null) as Fields;

const wholeName = (object: unknown): unknown => (object === 'chat.completion.chunk' ? 'chat.completion' : object);

/** A server that numbers no choices gives one. */
function placeOf(index: unknown): number {
  const place = index ?? 0;
  if (typeof place === 'number' && Number.isSafeInteger(place) && place >= 0) return place;
  throw new BrokenAnswer('invalid-response', `The server numbers a choice ${named(index)}: that can't be.`);
}

const named = (value: unknown): string => foreignText(value).slice(0, 50);

function inOrder(choices: ReadonlyMap<number, Fields>): Fields[] {
  const sorted = [...choices.entries()].toSorted(([left], [right]) => left - right);
  return sorted.map(([place, choice]) => {
    const calls = isRecord(choice['message']) ? choice['message']['tool_calls'] : null;
    // A call whose number was left out.
    if (Array.isArray(calls)) (choice['message'] as Fields)['tool_calls'] = calls.filter((call) => call !== undefined);
    return { ...choice, index: place };
  });
}

/** The last value that is one stands: counters come at the end, and later parts may repeat them as null. */
function setGiven(target: Fields, fields: Fields): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && value !== undefined) target[name] = value;
    else target[name] ??= null;
  }
}

const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Returns whether the part said something. */
function addPart(choice: Fields, { delta, text, logprobs, finish_reason: reason, ...others }: Fields): boolean {
  setGiven(choice, others);
  choice['finish_reason'] = worseReason(choice['finish_reason'], reason) ?? null;
  if (isRecord(logprobs)) addLists((choice['logprobs'] ??= noFields()) as Fields, logprobs);
  if (typeof text === 'string') choice['text'] = `${textIn(choice['text'])}${text}`;
  if (!isRecord(delta)) return typeof text === 'string' && text !== '';
  choice['message'] ??= Object.assign(noFields(), { role: 'assistant', content: null });
  return addDelta(choice['message'] as Fields, delta);
}

/** Texts grow; a role is given once, or again and again. */
function addDelta(message: Fields, delta: Fields): boolean {
  const { role: _role, tool_calls: calls, ...others } = withTextContent(delta);
  let hasToken = false;
  for (const [name, value] of Object.entries(others)) {
    if (typeof value !== 'string') {
      setGiven(message, { [name]: value });
      continue;
    }
    message[name] = `${textIn(message[name])}${value}`;
    hasToken ||= value !== '';
  }
  if (!Array.isArray(calls) || calls.length === 0) return hasToken;
  const known = (message['tool_calls'] ??= []) as Fields[];
  for (const call of calls.filter(isRecord)) addCall(known, call);
  return true;
}

/** OpenAI's own limit of tools. Without one, an index of a billion would make as long a list. */
const maxCalls = 128;

/** The parts of a call have the same index. */
function addCall(known: Fields[], { index, ...call }: Fields): void {
  const place = placeOfCall(known, index, call);
  if (!Number.isInteger(place) || place < 0 || place >= maxCalls)
    throw new BrokenAnswer('invalid-response', `The server numbers a call of a tool ${named(index)}: that can't be.`);
  const target = (known[place] ??= Object.assign(noFields(), { type: 'function', function: noFields() }));
  const { function: part, ...others } = call;
  setGiven(target, others);
  if (!isRecord(part)) return;
  const { arguments: more, ...rest } = part;
  const whole = target['function'] as Fields;
  setGiven(whole, rest);
  whole['arguments'] = `${textIn(whole['arguments'])}${isRecord(more) ? JSON.stringify(more) : textIn(more)}`;
}

/**
 * Some servers number no call, or number all calls alike, and send each whole: a new name and a new id begin another.
 */
function placeOfCall(known: Fields[], index: unknown, { id, function: part }: Fields): number {
  const isNamed = isRecord(part) && textIn(part['name']) !== '';
  if (typeof index !== 'number') return isNamed || known.length === 0 ? known.length : known.length - 1;
  const before = known[index]?.['id'];
  const isAnother = isNamed && textIn(id) !== '' && textIn(before) !== '' && id !== before;
  return isAnother ? known.length : index;
}

/** `{content: [...]}` of chats, `{tokens: [...], token_logprobs: [...], ...}` of completions. */
function addLists(known: Fields, more: Fields): void {
  for (const [name, value] of Object.entries(more)) {
    const before = known[name];
    if (!Array.isArray(value) || !Array.isArray(before)) known[name] = value ?? before ?? null;
    else for (const item of value) before.push(item);
  }
}
