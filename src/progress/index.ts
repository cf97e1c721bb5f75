import type { Snapshot } from '../core/snapshot.ts';
import { startBar } from './bar.ts';
import { startJson } from './json.ts';
import { startLines } from './lines.ts';
import { startNotes } from './notes.ts';
import type { Progress, ProgressStream } from './progress.ts';

/** `bar` needs a terminal, and is `plain` without one. `none` hides the progress, not the notes. */
export type ProgressMode = 'auto' | 'bar' | 'plain' | 'json' | 'none';

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
