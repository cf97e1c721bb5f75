import type { Snapshot } from '../core/snapshot.ts';
import { startBar } from './bar.ts';
import { startJson } from './json.ts';
import { startLines, startNotes } from './lines.ts';
import type { Progress, ProgressStream } from './progress.ts';

/** How progress is shown. `bar` needs a terminal, and is `plain` without one; `none` hides the progress, but not the notes. */
export type ProgressMode = 'auto' | 'bar' | 'plain' | 'json' | 'none';

const views = { bar: startBar, plain: startLines, json: startJson, none: startNotes };

/** Shows the progress of a run on stderr. It reads a snapshot whenever it draws, and changes nothing of the run. */
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
