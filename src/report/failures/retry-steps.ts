import { type ErrorKind, isErrorKind, isTransient } from '../../core/errors.ts';
import type { ErrorCounts } from '../../core/snapshot.ts';
import { pathWord } from '../../text/command-line.ts';
import { formatCounted } from '../../text/format.ts';

/** What a command that tries failed requests again must know of their run. */
export interface RetryFacts {
  /** Path of the output, as a word of a command. */
  output: string;
  /** Sampling settings of the run, as `max_tokens`. */
  parameters: Readonly<Record<string, unknown>>;
  /** The input came on standard input: its lines can't be mended in a file. */
  isPiped: boolean;
}

/** A run as its manifest describes it, as far as these commands depend on it. */
interface FinishedRun {
  settings: { parameters: Record<string, unknown> };
  input: { path: string };
}

export const retryFactsOf = ({ settings, input }: FinishedRun, output: string): RetryFacts => ({
  output: pathWord(output),
  parameters: settings.parameters,
  isPiped: input.path === '-',
});

/** A command that tries failed requests again, and what it does for them. */
export interface RetryStep {
  reason: string;
  command: string;
}

/** Kinds whose lines have to be changed before they are sent again. */
const faultsOfLines: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['input', 'bad-request', 'not-honoured']);
/** Kinds of answers that come again where the model writes the same again. */
const faultsOfAnswers: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'repetition',
  'refused',
  'schema-invalid',
  'empty',
]);

/** The commands that try again what failed: as it is or with other settings, and after the lines were mended. */
export function retrySteps(errors: ErrorCounts, facts: RetryFacts): RetryStep[] {
  const kinds = Object.keys(errors.byKind).filter(isErrorKind);
  const isOfLine = (kind: ErrorKind): boolean =>
    faultsOfLines.has(kind) || (kind === 'truncated' && isCutByLine(errors, facts));
  const others = kinds.filter((kind) => !isOfLine(kind));
  return [
    ...(others.length > 0 ? stepsForAnswers(errors, others, facts) : []),
    ...stepsForLines(errors, kinds.filter(isOfLine), facts),
  ];
}

function stepsForAnswers(errors: ErrorCounts, kinds: ErrorKind[], facts: RetryFacts): RetryStep[] {
  const resume = `llmbatch resume ${facts.output}`;
  if (kinds.every(isTransient)) return [{ reason: 'with the same settings', command: resume }];
  const changes = changesFor(errors, kinds, facts);
  const reason = changes.map((change) => change.reason).join(', ');
  const flags = changes.map(({ flag }) => ` ${flag}`).join('');
  const steps = [{ reason: reason || 'with the same settings', command: `${resume}${flags} --retry-failed all` }];
  if (kinds.some((kind) => isFaultOfAnswer(kind, errors)))
    steps.push({ reason: 'with a larger model', command: `llmbatch run --failed-of ${facts.output} -m LARGER_MODEL` });
  if (kinds.includes('empty'))
    steps.push({ reason: 'with empty answers allowed', command: `${resume} --allow-empty-answers --retry-failed all` });
  return steps;
}

function stepsForLines({ failures }: ErrorCounts, kinds: ErrorKind[], facts: RetryFacts): RetryStep[] {
  const resume = `llmbatch resume ${facts.output}`;
  const steps: RetryStep[] = [];
  if (kinds.length > 0 && !facts.isPiped) {
    const all = kinds.every((kind) => kind === 'input') ? '' : ' --retry-failed all';
    steps.push({
      reason: `${kinds.join(', ')}: correct these lines, then`,
      command: `${resume} --allow-drift${all}`,
    });
  }
  if (failures.some(({ kind, message }) => kind === 'input' && message.includes('--allow-empty-fields')))
    steps.push({ reason: 'with empty fields allowed', command: `${resume} --allow-empty-fields` });
  return steps;
}

interface Change {
  reason: string;
  flag: string;
}

/**
 * What lets cut answers pass: more tokens where the `--max-tokens` of the run cut them, a longer context for long prompts,
 * and an end to answers that filled the context. Null where no flag would do.
 */
function changeForCut(errors: ErrorCounts, { parameters: { max_tokens: limit } }: RetryFacts): Change | null {
  const text = messagesOfCuts(errors);
  if (typeof limit === 'number' && text.includes(`after ${formatCounted(limit, 'token')}:`))
    return { reason: 'with longer answers', flag: `--max-tokens ${Math.max(leastTokens, 4 * limit)}` };
  const [, endless] = /limit it with --max-tokens \(prompt [\d,]+, answer ([\d,]+) tokens\)/.exec(text) ?? [];
  if (endless !== undefined) {
    const most = Math.min(mostTokens, Math.ceil(Number(endless.replaceAll(',', '')) / 2));
    return { reason: 'with a limit, accepting cut answers', flag: `--max-tokens ${most} --allow-truncated` };
  }
  const option = proposedOption(text);
  return option === null ? null : { reason: 'with a longer context', flag: `--option ${option}` };
}

/** The messages of cut answers. Of a range of tokens the largest number stands there: that of the last limit. */
const messagesOfCuts = ({ failures }: ErrorCounts): string =>
  failures
    .flatMap(({ kind, message }) => (kind === 'truncated' ? [message] : []))
    .join('\n')
    .replaceAll(/[\d,]+ to (?=[\d,]+ tokens?\b)/g, '');

/** A cut answer that repeats itself, or is blank, comes again too, with whatever limit. */
const isFaultOfAnswer = (kind: ErrorKind, errors: ErrorCounts): boolean =>
  faultsOfAnswers.has(kind) ||
  (kind === 'truncated' && /said the same again and again|has only blanks/.test(messagesOfCuts(errors)));

/** A limit cut the answers, and it was not the `--max-tokens` of the run: it stands in the lines. */
const isCutByLine = (errors: ErrorCounts, facts: RetryFacts): boolean =>
  changeForCut(errors, facts) === null && /cut after [\d,]+ tokens?:/.test(messagesOfCuts(errors));

/** The settings without which the same requests would fail again, as far as they are known. */
function changesFor(errors: ErrorCounts, kinds: ErrorKind[], facts: RetryFacts): Change[] {
  const changes: Change[] = [];
  const { temperature } = facts.parameters;
  const ofCut = kinds.includes('truncated') ? changeForCut(errors, facts) : null;
  if (ofCut !== null) changes.push(ofCut);
  const tooLong = errors.failures.filter(({ kind }) => kind === 'context-too-long').map(({ message }) => message);
  const option = kinds.includes('context-too-long') ? proposedOption(tooLong.join(' ')) : null;
  if (option !== null && !changes.some(({ flag }) => flag.startsWith('--option')))
    changes.push({ reason: 'with a longer context', flag: `--option ${option}` });
  if (kinds.includes('control-token'))
    changes.push({ reason: 'with control tokens allowed', flag: '--control-tokens allow' });
  if (kinds.some((kind) => isFaultOfAnswer(kind, errors)) && (temperature === undefined || temperature === 0))
    changes.push({ reason: 'with random variation', flag: '--temperature 0.7' });
  return changes;
}

/** An answer that was cut is given at least so many tokens. */
const leastTokens = 200;
/** An answer that had no end is given at most so many. */
const mostTokens = 1000;

/** The `--option` that the engine itself proposes for a long prompt, as `key=value`; null where it proposes none. */
const proposedOption = (text: string): string | null => /--option (\w+=\d+)/.exec(text)?.[1] ?? null;
