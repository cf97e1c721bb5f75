import { UsageError, messageOf } from '../core/errors.ts';

/** A Mustache template that turns a row into a prompt. */
export interface PromptTemplate {
  /** Top-level fields that the template prints; a row without one of them is a bad line, not an empty gap. */
  names: readonly string[];
  render: (row: Record<string, unknown>) => string;
}

export async function compilePromptTemplate(text: string): Promise<PromptTemplate> {
  const { default: mustache } = await import('mustache');
  try {
    const names = namesIn(mustache.parse(text));
    // The text is a prompt, not HTML: no escaping.
    const render = (row: Record<string, unknown>): string => mustache.render(text, row, {}, { escape: String });
    return { names: [...new Set(names)], render };
  } catch (error) {
    throw new UsageError(`--prompt-template: ${messageOf(error)}`, 'Mustache: {{field}} prints a field of the row.');
  }
}

/** Fields printed outside of sections: a section's own field may be absent, that is what sections are for. */
function namesIn(tokens: unknown[]): string[] {
  return (tokens as [string, string][])
    .filter(([type]) => type === 'name' || type === '&')
    .map(([, name]) => name.split('.')[0] ?? name)
    .filter((name) => name !== '');
}
