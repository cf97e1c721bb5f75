import { isRecord } from '../../core/is-record.ts';
import { BrokenAnswer } from '../server/broken-answer.ts';

type Fields = Record<string, unknown>;

/** Puts the parts of a stream together to the body that the same request without a stream would have got. */
export interface Collector {
  add: (event: Fields) => void;
  /** Is there anything that the model said? */
  hasToken: () => boolean;
  body: () => Fields;
}

export function createCollector(): Collector {
  const body: Fields = {};
  const choices = new Map<unknown, Fields>();
  let hasToken = false;
  return {
    add(event) {
      const { choices: parts, ...others } = event;
      setGiven(body, others);
      for (const part of Array.isArray(parts) ? parts.filter(isRecord) : []) {
        const choice = choices.get(part['index']) ?? {};
        choices.set(part['index'], choice);
        hasToken = addPart(choice, part) || hasToken;
      }
    },
    hasToken: () => hasToken,
    body: () => ({ ...body, object: wholeNames[String(body['object'])] ?? body['object'], choices: inOrder(choices) }),
  };
}

const wholeNames: Record<string, string> = { 'chat.completion.chunk': 'chat.completion' };

const inOrder = (choices: ReadonlyMap<unknown, Fields>): Fields[] =>
  [...choices.values()].toSorted((left, right) => Number(left['index']) - Number(right['index']));

/** The last value that is one stands: counters come at the end, and later parts may repeat them as null. */
function setGiven(target: Fields, fields: Fields): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && value !== undefined) target[name] = value;
    else target[name] ??= null;
  }
}

const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Returns whether the part said something. */
function addPart(choice: Fields, { delta, text, logprobs, ...others }: Fields): boolean {
  setGiven(choice, others);
  if (isRecord(logprobs))
    choice['logprobs'] = joinLists(isRecord(choice['logprobs']) ? choice['logprobs'] : {}, logprobs);
  if (typeof text === 'string') choice['text'] = `${textIn(choice['text'])}${text}`;
  if (!isRecord(delta)) return typeof text === 'string' && text !== '';
  choice['message'] ??= { role: 'assistant', content: null };
  return addDelta(choice['message'] as Fields, delta);
}

/** Texts grow; a role is given once, or again and again. */
function addDelta(message: Fields, { role: _role, tool_calls: calls, ...others }: Fields): boolean {
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
const mostCalls = 128;

/** The parts of a call have the same index; some servers send whole calls, without one. */
function addCall(known: Fields[], { index, ...call }: Fields): void {
  const place = typeof index === 'number' ? index : known.length;
  if (!Number.isInteger(place) || place < 0 || place >= mostCalls)
    throw new BrokenAnswer('invalid-response', `The server numbers a call of a tool ${place}: that can't be.`);
  const target = (known[place] ??= { type: 'function', function: {} });
  const { function: part, ...others } = call;
  setGiven(target, others);
  if (!isRecord(part)) return;
  const { arguments: more, ...named } = part;
  const whole = target['function'] as Fields;
  setGiven(whole, named);
  whole['arguments'] = `${textIn(whole['arguments'])}${isRecord(more) ? JSON.stringify(more) : textIn(more)}`;
}

/** `{content: [...]}` of chats, `{tokens: [...], token_logprobs: [...], ...}` of completions. */
function joinLists(known: Fields, more: Fields): Fields {
  const joined = Object.entries(more).map(([name, value]) => {
    const before = known[name];
    return [
      name,
      Array.isArray(value) && Array.isArray(before)
        ? [...(before as unknown[]), ...(value as unknown[])]
        : (value ?? before),
    ];
  });
  return { ...known, ...(Object.fromEntries(joined) as Fields) };
}
