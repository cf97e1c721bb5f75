import { UsageError, messageOf } from '../../core/errors.ts';
import { describeAllMissing, describeMissing, fieldOf, listFields } from './fields.ts';
import { findPlaceholders } from './placeholders.ts';
import { type Token, createRowRenderer } from './render.ts';
import { createRowSettings } from './row-settings.ts';

type Row = Record<string, unknown>;

/** A Mustache template that turns a row into a prompt. */
export interface PromptTemplate {
  /**
   * Looks at a row, and whether it fills the template or is a whole request. Throws a `UsageError` where the template
   * prints no field at all; what the user seems to have meant otherwise is noted once.
   */
  check: (row: Row, isFilled: boolean) => void;
  /** Throws a `UsageError` where the template is made of sections, and no row had a field that they name. */
  checkUse: () => void;
  /** Fields of the row that it does not print, and that are settings of the request. */
  settingsIn: (row: Row) => string[];
  /** Says why the row can't fill the template: a field that it prints is missing, null or empty. Else null. */
  problemOf: (row: Row) => string | null;
  /** The prompt of a row, with numbers as they are written in its JSON text. */
  render: (row: Row, text: string) => string;
}

export interface TemplateOptions {
  /** A field that is printed may be null or empty. */
  allowsEmpty?: boolean;
  /** Takes what the user is to be told of the template. */
  note?: (text: string) => void;
}

export async function compilePromptTemplate(text: string, options: TemplateOptions = {}): Promise<PromptTemplate> {
  const { allowsEmpty = false, note = () => undefined } = options;
  const [tokens, exact] = await Promise.all([parseTemplate(text), import('lossless-json')]);
  const all = everyToken(tokens);
  const names = all.filter(([kind]) => 'name&#^'.includes(kind)).map(([, name]) => name);
  // A section's own field may be absent: that is what sections are for.
  const printed = tokens.filter(([kind, name]) => 'name&'.includes(kind) && name !== '.').map(([, name]) => name);
  const problemWith = (row: Row, name: string): string | null => {
    const value = fieldOf(row, name);
    const isEmpty = value === null || (typeof value === 'string' && value.trim() === '');
    if (!isEmpty || allowsEmpty) return null;
    return `the field "${name}" is ${value === null ? 'null' : 'empty'} (--allow-empty-fields sends it anyway)`;
  };
  const settings = createRowSettings(tokens, names, note);
  const checks = createChecks(all, { names, printed }, note);
  return {
    ...checks,
    check(row, isFilled) {
      checks.check(row, isFilled);
      if (isFilled) settings.tell(row);
    },
    settingsIn: settings.namesIn,
    problemOf(row) {
      const missing = printed.filter((name) => fieldOf(row, name) === undefined);
      if (missing.length > 0) return describeAllMissing(row, [...new Set(missing)]);
      for (const name of printed) {
        const problem = problemWith(row, name);
        if (problem !== null) return problem;
      }
      return null;
    },
    render: createRowRenderer(tokens, names, exact),
  };
}

async function parseTemplate(text: string): Promise<Token[]> {
  const { default: mustache } = await import('mustache');
  let tokens: Token[];
  try {
    tokens = mustache.parse(text) as Token[];
  } catch (error) {
    const hint = 'Mustache: {{field}} inserts a field of the row, {{#field}}...{{/field}} only if it is not empty.';
    throw new UsageError(`--prompt-template: ${messageOf(error)}`, hint);
  }
  const [, partial] = everyToken(tokens).find(([kind]) => kind === '>') ?? [];
  // There is nowhere to take it from, and Mustache would print nothing for it.
  if (partial !== undefined)
    throw new UsageError(`--prompt-template: {{> ${partial}}} names another template, and there is none`);
  return tokens;
}

const everyToken = (tokens: readonly Token[]): Token[] =>
  tokens.flatMap((token) => [token, ...(Array.isArray(token[4]) ? everyToken(token[4]) : [])]);

function createChecks(
  all: readonly Token[],
  { names, printed }: { names: readonly string[]; printed: readonly string[] },
  note: (text: string) => void,
): Pick<PromptTemplate, 'check' | 'checkUse'> {
  const literals = all.filter(([kind]) => kind === 'text').map(([, text]) => text);
  const placeholders = findPlaceholders(literals.join('\n'));
  const told = { placeholder: placeholders.length === 0, request: false };
  let first: Row | null = null;
  // A row without a field that is printed outside of sections is a bad line, and told as such.
  let isUsed = printed.length > 0;

  /** The placeholders that name a field of the row, each with it. */
  const meantIn = (row: Row): [written: string, name: string][] =>
    placeholders.flatMap(({ written, names: own, isCertain }): [string, string][] => {
      const name = own.find((each) => Object.hasOwn(row, each) && (isCertain || !names.includes(each)));
      return name === undefined ? [] : [[written, name]];
    });

  return {
    check(row, isFilled) {
      if (names.length === 0) throw printsNothing(row, meantIn(row));
      if (!isFilled) {
        if (!told.request) note('a line is a request of its own: --prompt-template does not apply to such lines');
        told.request = true;
        return;
      }
      first ??= row;
      isUsed ||= names.some((name) => name === '.' || fieldOf(row, name) !== undefined);
      const [found] = told.placeholder ? [] : meantIn(row);
      if (found === undefined) return;
      told.placeholder = true;
      note(`--prompt-template: ${found[0]} is sent as it is: {{${found[1]}}} prints the field`);
    },
    checkUse() {
      if (first === null || isUsed) return;
      throw new UsageError(`--prompt-template prints no field of any row: ${describeMissing(first, names[0] ?? '')}`);
    },
  };
}

function printsNothing(row: Row, meant: [written: string, name: string][]): UsageError {
  const [[, name] = [undefined, undefined]] = meant;
  const question = name === undefined ? '' : `: did you mean {{${name}}}?`;
  return new UsageError(
    `--prompt-template prints no field${question}`,
    `Every request would be the same. Print a field as {{name}}; the first row has: ${listFields(row)}`,
  );
}
