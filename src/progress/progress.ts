import type { Snapshot } from '../core/snapshot.ts';

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
