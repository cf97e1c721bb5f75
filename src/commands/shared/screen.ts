import { printable } from '../../text/printable.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { type ProgressMode, startProgress } from '../../progress/index.ts';
import type { Progress } from '../../progress/progress.ts';
import { fstatSync } from 'node:fs';
import { asMessage, tell, tellJson, wrapped } from './print.ts';

/** The output on stderr: the live display while a run goes on, and lines before, between and after it. */
export interface Screen {
  note: (text: string) => void;
  /** Shows a run by the name of its input. `heading`: a line above it that says more. */
  start: (snapshot: () => Snapshot, title: string, heading?: string) => void;
  close: () => void;
}

const standardOutput = 1;

/**
 * The display beside results on stdout. A terminal that gets them too has no bar, which they would run into; and a pipe
 * may lead to the same terminal (`| jq`), so that a bar there is drawn only where it is asked for.
 */
export function besideResults(mode: ProgressMode): ProgressMode {
  if (mode === 'bar') return process.stdout.isTTY ? 'plain' : 'bar';
  return mode === 'auto' && !fstatSync(standardOutput).isFile() ? 'plain' : mode;
}

export function createScreen(mode: ProgressMode): Screen {
  let progress: Progress | null = null;
  return {
    note(text) {
      if (progress !== null) progress.note(mode === 'json' ? asMessage(text) : wrapped(asMessage(text)));
      // In JSON mode every line on stderr must be JSON.
      else if (mode === 'json') tellJson({ note: text });
      else tell(text);
    },
    start(snapshot, title, heading) {
      const shown = { title: printable(title), ...(heading === undefined ? {} : { heading: printable(heading) }) };
      progress = startProgress({ mode, snapshot, ...shown });
    },
    close() {
      progress?.stop();
      progress = null;
    },
  };
}
