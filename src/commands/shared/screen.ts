import { printable } from '../../text/printable.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { type ProgressMode, startProgress } from '../../progress/index.ts';
import type { Progress } from '../../progress/progress.ts';
import { asMessage, tell, tellJson } from './print.ts';

/** The output on stderr: the live display while a run goes on, and lines before, between and after it. */
export interface Screen {
  note: (text: string) => void;
  start: (snapshot: () => Snapshot, title: string) => void;
  close: () => void;
}

export function createScreen(mode: ProgressMode): Screen {
  let progress: Progress | null = null;
  return {
    note(text) {
      if (progress !== null) progress.note(asMessage(text));
      // In JSON mode every line on stderr must be JSON.
      else if (mode === 'json') tellJson({ note: text });
      else tell(text);
    },
    start(snapshot, title) {
      progress = startProgress({ mode, snapshot, title: printable(title) });
    },
    close() {
      progress?.stop();
      progress = null;
    },
  };
}
