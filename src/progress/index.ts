import { startBar } from './bar.ts';
import { startJson } from './json.ts';
import { startLines, startNotes } from './lines.ts';
import type { Progress, ProgressSource, ProgressStream } from './progress.ts';
import { startTaskbar } from './taskbar.ts';
import { canRedraw, isCi } from './terminal.ts';

/** How progress is shown. `bar` needs a terminal, and is `plain` without one; `none` hides the progress, but not the notes. */
export type ProgressMode = 'auto' | 'bar' | 'plain' | 'json' | 'none';

const views = { bar: startBar, plain: startLines, json: startJson, none: startNotes };

/** Shows the progress of a run on stderr. It reads a snapshot whenever it draws, and changes nothing of the run. */
export function startProgress(
  options: Omit<ProgressSource, 'stream' | 'environment'> & {
    mode: ProgressMode;
    stream?: ProgressStream;
    environment?: NodeJS.ProcessEnv;
  },
): Progress {
  const { mode, stream = process.stderr, environment = process.env, ...source } = options;
  const wanted = mode === 'auto' ? (isCi(environment) ? 'plain' : 'bar') : mode;
  const view = wanted === 'bar' && !canRedraw(stream, environment) ? 'plain' : wanted;
  const shown = { ...source, stream, environment };
  const progress = views[view](shown);
  const clearTaskbar = view === 'none' || view === 'json' ? () => {} : startTaskbar(shown);
  const end = (): void => {
    process.off('exit', end);
    clearTaskbar();
    progress.stop();
  };
  // A crash must not leave the cursor hidden.
  process.once('exit', end);
  return { note: progress.note, stop: end };
}
