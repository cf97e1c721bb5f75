import type { Options, SingleBar } from 'cli-progress';
import type { Snapshot } from '../core/snapshot.ts';
import { drawFrame } from './frame.ts';
import type { Progress, ProgressSource, ProgressStream } from './progress.ts';
import { markAway, serversText } from './servers.ts';
import { wrapText } from '../text/wrap-text.ts';
import { hasUnicode, separatorFor } from './terminal.ts';

/**
 * Shows one line at the bottom of the terminal, and one of the servers below it where there are several, drawn at most ten
 * times a second. Notes appear above it.
 */
export function startBar({ stream, snapshot, title, heading = title, environment }: ProgressSource): Progress {
  const startedAt = performance.now();
  const glyphs = hasUnicode(environment) ? undefined : ({ filled: '#', empty: '-' } as const);
  const separator = separatorFor(environment);
  const draw = (state: Snapshot, isFinal = false): string =>
    drawFrame(state, { columns: stream.columns ?? 80, waitedMs: performance.now() - startedAt, glyphs, isFinal });
  const drawBoth = (): string => {
    const state = snapshot();
    const servers = serversText(state, { columns: (stream.columns ?? 80) - 1, separator, mark: markAway });
    return servers === '' ? draw(state) : `${draw(state)}\n${servers}`;
  };
  let bar: SingleBar | null = null;
  let isStopped = false;
  if (heading !== '') stream.write(`${wrapText(heading, stream.columns ?? 80)}\n`);
  void createBar(stream, drawBoth).then((created) => {
    if (isStopped) return;
    bar = created;
    bar.start(1, 0);
  });

  /** Writes a line in place of the bar: cli-progress clears its own line and shows the cursor again when it stops. */
  const writeWithoutBar = (text: string): void => {
    bar?.stop();
    stream.write(`${text}\n`);
  };
  return {
    note(text) {
      writeWithoutBar(text);
      if (!isStopped) bar?.start(1, 0);
    },
    stop() {
      if (isStopped) return;
      isStopped = true;
      const state = snapshot();
      // The summary tells of the servers.
      if (state.progress.done > 0) writeWithoutBar(draw(state, true));
      else bar?.stop();
    },
  };
}

async function createBar(stream: ProgressStream, format: () => string): Promise<SingleBar> {
  const { default: cliProgress } = await import('cli-progress');
  const options: Options & { terminal: object } = {
    terminal: createTerminal(stream),
    format,
    fps: 10,
    hideCursor: true,
    linewrap: true,
    clearOnComplete: true,
    // What another program has written over the bar is gone with the next frame.
    forceRedraw: true,
    // If true, cli-progress would handle the first Ctrl-C itself. The run has its own handler, which calls stop().
    gracefulExit: false,
  };
  return new cliProgress.SingleBar(options);
}

const nothing = (): void => {};
const clearBelow = '\u001B[J';
const clearRight = '\u001B[K';

/**
 * The terminal as cli-progress writes to it. Its own one switches line wrapping off, for all that other programs write
 * meanwhile, and saves a row of the screen, which holds another line after a scroll. Here the cursor stays at the
 * beginning of the bar, also where that has a second line: a terminal that breaks a drawn bar into several rows, since it was made narrower, keeps the
 * cursor there, and the next frame clears all of these rows.
 */
function createTerminal(stream: ProgressStream): object {
  return {
    isTTY: () => true,
    getWidth: () => stream.columns ?? 80,
    write(text: string) {
      const lines = text.split('\n');
      const up = lines.length === 1 ? '' : `\u001B[${lines.length - 1}A`;
      stream.write(`\r${lines.join(`${clearRight}\r\n`)}${clearBelow}${up}\r`);
    },
    clearLine: () => void stream.write(`\r${clearBelow}`),
    cursor: (isShown: boolean) => void stream.write(isShown ? '\u001B[?25h' : '\u001B[?25l'),
    newline: () => void stream.write('\n'),
    clearRight: nothing,
    cursorTo: nothing,
    cursorSave: nothing,
    cursorRestore: nothing,
  };
}
