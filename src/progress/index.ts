import type { Snapshot } from '../core/snapshot.ts';
import { startBar } from './bar.ts';
import { startJson } from './json.ts';
import { startLines } from './lines.ts';
import { startNotes } from './notes.ts';

/** `bar` needs a terminal, and is `plain` without one. `none` hides the progress, not the notes. */
export type ProgressMode = 'auto' | 'bar' | 'plain' | 'json' | 'none';

/** What progress is written to: stderr, or what a test gives. */
export type ProgressStream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

export interface ProgressSource {
  snapshot: () => Snapshot;
  /** What runs: the name of the input. */
  title: string;
  stream: ProgressStream;
}

export interface Progress {
  /** One or more whole lines for the user, above the bar where there is one. */
  note(text: string): void;
  /** Shows the last state, and puts the terminal back as it was. A second call does nothing. */
  stop(): void;
}

const views = { bar: startBar, plain: startLines, json: startJson, none: startNotes };

/** Shows a run on stderr while it goes on. It reads the snapshot when it draws, and changes nothing. */
export function startProgress(options: {
  mode: ProgressMode;
  snapshot: () => Snapshot;
  title: string;
  stream?: ProgressStream;
}): Progress {
  const { mode, stream = process.stderr, ...source } = options;
  const wanted = mode === 'auto' ? 'bar' : mode;
  const view = wanted === 'bar' && stream.isTTY !== true ? 'plain' : wanted;
  return views[view]({ ...source, stream });
}
