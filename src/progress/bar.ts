import type { SingleBar } from 'cli-progress';
import { drawFrame } from './frame.ts';
import type { Progress, ProgressSource, ProgressStream } from './progress.ts';

/** Shows one line at the bottom of the terminal, drawn at most ten times a second. Notes appear above it. */
export function startBar({ stream, snapshot, title }: ProgressSource): Progress {
  const frame = (): string => drawFrame(snapshot(), stream.columns ?? 80);
  let bar: SingleBar | null = null;
  let isStopped = false;
  stream.write(`${title}\n`);
  void createBar(stream, frame).then((created) => {
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
      writeWithoutBar(frame());
    },
  };
}

async function createBar(stream: ProgressStream, format: () => string): Promise<SingleBar> {
  const { default: cliProgress } = await import('cli-progress');
  return new cliProgress.SingleBar({
    stream: withoutSavedCursor(stream),
    format,
    fps: 10,
    hideCursor: true,
    linewrap: false,
    clearOnComplete: true,
    // If true, cli-progress would handle the first Ctrl-C itself. The run has its own handler, which calls stop().
    gracefulExit: false,
  });
}

/**
 * The same stream without "save cursor" and "restore cursor". cli-progress saves a row of the screen, and after a scroll or a
 * resize that row holds another line, which it would clear.
 */
function withoutSavedCursor(stream: ProgressStream): ProgressStream {
  return Object.create(stream, {
    write: { value: (text: string) => text === '\u001B7' || text === '\u001B8' || stream.write(text) },
  }) as ProgressStream;
}
