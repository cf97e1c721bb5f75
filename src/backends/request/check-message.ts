import { refuse } from './refuse.ts';

const roles = ['system', 'developer', 'user', 'assistant', 'tool'];

interface MessageRules {
  /** Name of the engine for messages. */
  engine: string;
  /** Keys of a message that the engine can honour. */
  keys: ReadonlySet<string>;
}

/**
 * Refuses a message with an unknown role, which would go into the prompt's structure, or with a key that the engine can't
 * honour. `where` is its place as the user would name it: `messages[1]`.
 */
export function checkMessage(message: Record<string, unknown>, where: string, { engine, keys }: MessageRules): void {
  const { role } = message;
  if (typeof role !== 'string' || !roles.includes(role))
    throw refuse('bad-request', `${where} has the role ${JSON.stringify(role)}: ${engine} knows ${roles.join(', ')}.`);
  const unknown = Object.keys(message).find((key) => !keys.has(key) && !isNothing(message[key]));
  if (unknown !== undefined)
    throw refuse('bad-request', `${engine} can't honour \`${unknown}\` of ${where}: remove it.`);
}

/**
 * Says whether a value means the same as an absent key: OpenAI's own client writes `refusal: null` and `annotations:
 * []` where there is none.
 */
export const isNothing = (value: unknown): boolean =>
  value === null || value === undefined || (Array.isArray(value) && value.length === 0);
