import { printable } from '../../text/printable.ts';
import type { Notify } from '../../core/events.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { type ProgressMode, startProgress } from '../../progress/index.ts';
import type { Progress } from '../../progress/progress.ts';
import { fstatSync } from 'node:fs';
import { asMessage, tell, tellJson, wrapped } from './print.ts';

/** The output on stderr: the live display while a run goes on, and lines before, between and after it. */
export interface Screen {
  note: (text: string) => void;
  /** Tells a notice of a run; details only where they are asked for. A queue tells a choice once, not with each input. */
  notify: Notify;
  /** Shows a run by the name of its input. `heading` stands above a bar in place of the name; empty: nothing does. */
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

export function createScreen(mode: ProgressMode, isVerbose = false): Screen {
  const isJson = mode === 'json';
  const told = new Set<string>();
  let progress: Progress | null = null;
  const note = (text: string): void => {
    if (progress !== null) progress.note(isJson ? asMessage(text) : wrapped(asMessage(text)));
    // In JSON mode every line on stderr must be JSON.
    else if (isJson) tellJson({ note: text });
    else tell(text);
  };
  return {
    note,
    notify({ topic, text, isDetail = false }) {
      if (isDetail && !isVerbose && !isJson) return;
      if ((isDetail || topic === 'choice') && told.has(text)) return;
      told.add(text);
      note(text);
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
