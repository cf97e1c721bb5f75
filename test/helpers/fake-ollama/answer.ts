import { type JsonObject, isObject } from './json.ts';

export interface Message {
  role: string;
  content: string;
}

const skills = 'node sql python aws react docker rust kafka java linux golang redis'.split(' ');

/** What the model says. A candidate gets the true answer, everything else is echoed. */
export function answerTo(messages: Message[], format: unknown): string {
  if (isObject(format)) {
    const items = itemsAskedFor(format);
    if (items !== null) return items;
  }
  const [only] = messages;
  const raw = only !== undefined && messages.length === 1 ? readRendered(only.content) : [];
  return raw.length > 0 ? answerTo(raw, format) : answerToChat(messages);
}

function answerToChat(messages: Message[]): string {
  const question = messages.findLast(({ role }) => role === 'user')?.content ?? messages.at(-1)?.content ?? '';
  const rubric = messages.findLast(({ role }) => role === 'system')?.content ?? '';
  return scoreCandidate(rubric, question) ?? question;
}

/** A prompt whose front was cut off has no rubric any more: a wrong answer, and yet valid. */
export const answerToCutPrompt = (question: string): string => scoreCandidate('Required: none', question) ?? question;

/** The messages of a prompt that was rendered by the client. */
function readRendered(prompt: string): Message[] {
  const turns = prompt.matchAll(/<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>/gs);
  return [...turns].map(([, role = '', content = '']) => ({ role, content }));
}

function scoreCandidate(rubric: string, question: string): string | null {
  const required = /Required: (.+)/.exec(rubric)?.[1]?.split(', ');
  const years = /(\d+) years/.exec(question)?.[1];
  if (required === undefined || years === undefined) return null;
  const words = new Set(question.match(/[a-z]+/g));
  const matched = required.filter((skill) => skills.includes(skill) && words.has(skill));
  const score = 20 * matched.length + 4 * Math.min(Number(years), 10);
  return JSON.stringify({ matched, score, verdict: score >= 70 ? 'hire' : score >= 40 ? 'maybe' : 'reject' });
}

/** A schema that fixes the length of the answer: an array of an enum's values, or one letter N times (`^a{60}$`). */
function itemsAskedFor(schema: JsonObject): string | null {
  if (schema['type'] === 'array' && typeof schema['minItems'] === 'number') {
    const items = isObject(schema['items']) ? schema['items'] : {};
    const values = Array.isArray(items['enum']) ? (items['enum'] as unknown[]) : ['hire'];
    return JSON.stringify(Array.from({ length: schema['minItems'] }, (_, index) => values[index % values.length]));
  }
  const repeated = /^\^(.)\{(\d+)\}\$$/.exec(String(schema['pattern']));
  return repeated === null ? null : JSON.stringify((repeated[1] ?? '').repeat(Number(repeated[2])));
}
