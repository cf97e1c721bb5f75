import type { Snapshot } from '../core/snapshot.ts';

/** The stream that progress is written to: stderr, or the stream of a test. */
export type ProgressStream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

/** What a view of the progress reads and writes to. */
export interface ProgressSource {
  snapshot: () => Snapshot;
  /** Title of the run: the name of its input. */
  title: string;
  /** Line above a bar; absent: the title; empty: none. */
  heading?: string;
  stream: ProgressStream;
  environment: NodeJS.ProcessEnv;
}

/** A running display of the progress. */
export interface Progress {
  /** Writes one or more whole lines for the user, above the bar where there is one. */
  note: (text: string) => void;
  /** Shows the last state, and restores the terminal. A second call does nothing. */
  stop: () => void;
}
