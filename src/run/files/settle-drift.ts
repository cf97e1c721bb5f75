import { basename, extname } from 'node:path';
import { JournalError } from '../../core/errors.ts';
import { exists } from '../../files/exists.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import { pathWord } from '../../text/command-line.ts';
import { formatInteger } from '../../text/format.ts';
import type { RunRequest } from '../run-request.ts';

/** What differs from the run that an output holds, as its manifest records it. */
export interface Drift {
  settings: string[];
  /** The input is another one; empty where it is the same, or has only grown. */
  input: string[];
  /** The settings that differ are only about how failed requests are answered when they are tried again. */
  isOfRetries: boolean;
  /** The run had come to its end. */
  wasFinished: boolean;
}

/**
 * Refuses what changed since the run began. It is recorded with `--allow-drift`, and where it is only about failed requests
 * that are to be tried again. Returns the differences.
 */
export async function settleDrift(
  manifest: Manifest,
  drift: Drift,
  request: Pick<RunRequest, 'allowDrift' | 'retryFailed' | 'paths' | 'isResume'>,
): Promise<string[]> {
  const all = [...drift.settings, ...drift.input];
  if (all.length === 0) return [];
  const isForRetries = drift.isOfRetries && drift.input.length === 0 && request.retryFailed === 'all';
  if (!request.allowDrift && !isForRetries) throw await refusalOf(manifest, drift, request);
  manifest.drift.push(...all.filter((field) => !manifest.drift.includes(field)));
  return all;
}

async function refusalOf(
  manifest: Manifest,
  drift: Drift,
  { paths: { output }, isResume = false }: Pick<RunRequest, 'paths' | 'isResume'>,
): Promise<JournalError> {
  const { settings, input, wasFinished } = drift;
  const run = wasFinished ? 'a finished run' : 'a run that is not finished';
  const changes = [
    ...(settings.length === 0 ? [] : [`with other settings: ${settings.join('; ')}`]),
    ...(input.length === 0 ? [] : [`of an input that has changed since (${input.join('; ')})`]),
  ];
  const free = isResume ? null : await freeNameBeside(output);
  return new JournalError(
    `${basename(output)} holds ${run}${doneText(manifest)} ${changes.join(', and ')}`,
    [...waysOn(manifest, drift), ...(free === null ? [] : waysApart(output, free, wasFinished))].join(' '),
  );
}

/** The flags that go on with what is there. */
function waysOn({ summary }: Manifest, { input, isOfRetries, wasFinished }: Drift): string[] {
  const { failed, done, total } = { failed: 0, done: 0, ...summary?.progress, total: summary?.progress.total ?? 0 };
  const mayRetry = failed > 0 && isOfRetries && input.length === 0;
  const hasOpen = !wasFinished || input.length > 0;
  return [
    ...(mayRetry ? [retryHint(failed, wasFinished ? 0 : total - done)] : []),
    ...(hasOpen ? ['To answer what is left so, and keep what is there, add --allow-drift.'] : []),
  ];
}

/** The same command answers what is left, where there is something left. */
function retryHint(failed: number, left: number): string {
  const what =
    left > 0
      ? `answer the ${formatInteger(failed)} that failed and the ${formatInteger(left)} that are left`
      : `try only the ${formatInteger(failed)} that failed again`;
  return `To ${what} with the new settings, add --retry-failed all.`;
}

/** The ways that a `run` has beside. */
const waysApart = (output: string, free: string, wasFinished: boolean): string[] => [
  ...(wasFinished ? [] : [`To continue with the old settings: llmbatch resume ${pathWord(output)}.`]),
  `To keep both, add -o ${pathWord(free)}.`,
  'To have the new answers in place of the old, add --overwrite.',
];

function doneText({ summary }: Manifest): string {
  if (summary === null) return '';
  const { done, total } = summary.progress;
  return ` (${formatInteger(done)}${total === null ? '' : ` of ${formatInteger(total)}`} requests done)`;
}

async function freeNameBeside(output: string): Promise<string> {
  const ending = extname(output);
  for (let number = 2; ; number++) {
    const name = `${output.slice(0, output.length - ending.length)}.${number}${ending}`;
    if (!(await exists(name))) return name;
  }
}
