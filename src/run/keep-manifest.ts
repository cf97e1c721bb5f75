import type { JournalError } from '../core/errors.ts';
import { type Manifest, writeManifest } from '../journal/manifest.ts';

/** Often enough for `status`, seldom enough to cost nothing. */
const intervalMs = 3000;

/** Keeps the manifest on disk near the state of the run. */
export interface ManifestKeeper {
  write: () => Promise<void>;
  /** Writes the last state, as well as it goes: the failure that ends a run is the one to be told. */
  stop: () => Promise<void>;
}

export function keepManifest(options: {
  path: string;
  sealKey: Buffer | null;
  /** The manifest as of now. */
  current: () => Manifest;
  /** Throws when the output is not ours any more. */
  check: () => Promise<void>;
  onFailure: (error: JournalError) => void;
}): ManifestKeeper {
  // One write after the other: each replaces the whole file.
  let last: Promise<void> = Promise.resolve();
  const write = (): Promise<void> => {
    last = last.catch(() => undefined).then(() => writeManifest(options.path, options.current(), options.sealKey));
    return last;
  };
  const timer = setInterval(() => {
    options.check().then(write).catch(options.onFailure);
  }, intervalMs);
  timer.unref();
  return {
    write,
    async stop() {
      clearInterval(timer);
      await write().catch(() => undefined);
    },
  };
}
