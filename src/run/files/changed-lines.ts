import { LlmbatchError, exitCodes } from '../../core/errors.ts';
import { formatInteger, quoteForShell } from '../../text/format.ts';
import type { RunRequest } from '../run-request.ts';

/** Keeps count of lines that are no longer what they were when the run read its input: nothing is recorded for them. */
export interface ChangedLines {
  /** Ends the run, unless a drift is allowed: then the line is left out. */
  note: (line: number) => void;
  /** Throws where lines were left out; to be called at the end of the run. */
  check: () => void;
}

export function createChangedLines(request: Pick<RunRequest, 'input' | 'paths' | 'allowDrift'>): ChangedLines {
  const { input, paths, allowDrift } = request;
  const lines = new Set<number>();
  let earliest = Number.POSITIVE_INFINITY;
  const resume = `llmbatch resume ${quoteForShell(paths.output)}`;
  const since = 'since the run began';
  return {
    note(line) {
      lines.add(line);
      earliest = Math.min(earliest, line);
      if (allowDrift) return;
      throw inputChanged(
        `line ${formatInteger(line)} of ${input} has changed ${since}`,
        `Restore the file, then: ${resume}. Or use the changed file: ${resume} --allow-drift`,
      );
    },
    check() {
      if (lines.size === 0) return;
      const first = formatInteger(earliest);
      const isOne = lines.size === 1;
      const changed = isOne
        ? `line ${first} of ${input} has changed`
        : `${formatInteger(lines.size)} lines of ${input} have changed`;
      const which = isOne ? '' : `, line ${first} the first`;
      throw inputChanged(
        `${changed} ${since}, and ${isOne ? 'was' : 'were'} skipped${which}; all others have their results`,
        `To use the changed file: ${resume} --allow-drift`,
      );
    },
  };
}

/** No mistake of how the run was called: what it left stays, to be resumed. */
const inputChanged = (message: string, hint: string): LlmbatchError =>
  new LlmbatchError(message, { exitCode: exitCodes.usage, hint });
