import { UsageError, messageOf } from '../core/errors.ts';

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
    const names = namesIn(mustache.parse(text));
    return {
      names: [...new Set(names.map((name) => name.split('.')[0] ?? name))],
      missing: (row) => names.find((name) => !hasField(row, name)),
      // The text is a prompt, not HTML: no escaping.
      render: (row) => mustache.render(text, row, {}, { escape: textOfValue }),
    };
  } catch (error) {
    throw new UsageError(`--prompt-template: ${messageOf(error)}`, 'Mustache: {{field}} prints a field of the row.');
  }
}

/** Fields printed outside of sections: a section's own field may be absent, that is what sections are for. */
function namesIn(tokens: unknown[]): string[] {
  return (tokens as [string, string][])
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
