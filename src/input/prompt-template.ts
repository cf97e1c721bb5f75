import { UsageError, messageOf } from '../core/errors.ts';
import { isRecord } from '../data/is-record.ts';

/** A Mustache template that turns a row into a prompt. */
export interface PromptTemplate {
  /** Top-level fields that the template prints. */
  names: readonly string[];
  /** The first field that the template prints and the row lacks: such a row is a bad line, not an empty gap. */
  missing: (row: Record<string, unknown>) => string | undefined;
  render: (row: Record<string, unknown>) => string;
}

export async function compilePromptTemplate(text: string): Promise<PromptTemplate> {
  const { default: mustache } = await import('mustache');
  try {
    const tokens = mustache.parse(text) as Token[];
    const names = namesIn(tokens);
    const hasSections = tokens.some(isSection);
    checkPartials(tokens);
    return {
      names: [...new Set(names.map((name) => name.split('.')[0] ?? name))],
      missing: (row) => names.find((name) => !hasField(row, name)),
      // The text is a prompt, not HTML: no escaping.
      render: (row) => mustache.render(text, hasSections ? onlyOwn(row) : row, {}, { escape: textOfValue }),
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--prompt-template: ${messageOf(error)}`, 'Mustache: {{field}} prints a field of the row.');
  }
}

/** The kind of a tag, its text, and, of a section, where it ends and the tokens in it. */
type Token = [kind: string, text: string, start: number, end: number, inner?: Token[] | string];

const isSection = ([kind]: Token): boolean => kind === '#' || kind === '^';

/** There is nowhere to take them from, and Mustache would print nothing for them. */
function checkPartials(tokens: readonly Token[]): void {
  for (const [kind, name, , , inner] of tokens) {
    if (kind === '>')
      throw new UsageError(`--prompt-template: {{> ${name}}} names another template, and there is none`);
    if (Array.isArray(inner)) checkPartials(inner);
  }
}

/**
 * Copies a value without what its prototype gives it: in a section Mustache looks names up in everything around it, and
 * would find and call what every object inherits.
 */
function onlyOwn(value: unknown): unknown {
  if (Array.isArray(value)) return Object.setPrototypeOf(value.map(onlyOwn), null);
  if (!isRecord(value)) return value;
  const own = Object.create(null) as Record<string, unknown>;
  for (const [key, inner] of Object.entries(value)) own[key] = onlyOwn(inner);
  return own;
}

/** Fields printed outside of sections: a section's own field may be absent, that is what sections are for. */
function namesIn(tokens: readonly Token[]): string[] {
  return tokens
    .filter(([type]) => type === 'name' || type === '&')
    .map(([, name]) => name)
    .filter((name) => name !== '.');
}

/** `city`, or `address.city` of a nested row. */
function hasField(row: Record<string, unknown>, name: string): boolean {
  let value: unknown = row;
  for (const key of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Record<string, unknown>)[key];
  }
  return true;
}

/** A list or an object is printed as JSON: as text it would be `[object Object]`. */
const textOfValue = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
