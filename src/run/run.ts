import type { Backend } from '../core/backend.ts';
import type { Emit, Notify } from '../core/events.ts';
import type { Manifest } from '../journal/manifest/manifest.ts';
import { watchGpus } from '../machine/gpu.ts';
import { watchProcess } from '../machine/process-use.ts';
import { type Meter, createMeter } from '../metrics/meter.ts';
import type { GpuMonitor } from '../scheduler/limits/vram-guard.ts';
import { keepFirstRejection } from './check-input.ts';
import { type ChangedLines, createChangedLines } from './files/changed-lines.ts';
import { type OpenedManifest, openManifest } from './files/open-manifest.ts';
import { type Replacement, prepareReplacement } from './files/replace-run.ts';
import type { RunFiles } from './files/run-files.ts';
import { createGpuMonitor } from './gpu-monitor.ts';
import { type RepeatCount, createRepeatCount, reuseFlags } from './repeats.ts';
import { type RunControl, createRunControl } from './live/run-control.ts';
import { type RunInput, countWanted, readInput } from './read-input.ts';
import type { RunHost, RunRequest } from './run-request.ts';

/**
 * One run: its files, its input, what is known of it, and whom it tells. Nothing of an earlier run is touched before
 * `openRunOutput`.
 */
export interface Run {
  readonly request: RunRequest;
  readonly host: RunHost;
  readonly files: RunFiles;
  /** The record of the run, changed as the run goes on, and written to disk every few seconds. */
  readonly manifest: Manifest;
  /** Tells how the manifest was found: as that of a new run, of an earlier session, or lost. */
  readonly origin: Pick<OpenedManifest, 'isNew' | 'isAdopted' | 'wasFinished' | 'earlierPath'>;
  /** The earlier run whose place this one is to take (`--overwrite`); null where there is none. */
  readonly replacement: Replacement | null;
  readonly input: RunInput;
  /** Why the first rejected line of the input is no request; empty where none was rejected. */
  readonly firstRejection: ReturnType<typeof keepFirstRejection>['text'];
  /** Refuses a run that is to reuse answers, where none is meant to repeat. */
  readonly checkRepeats: RepeatCount['check'];
  readonly changedLines: ChangedLines;
  /** What the user changes from elsewhere while the run goes on. */
  readonly control: RunControl;
  readonly meter: Meter;
  /** Tells the meter, and whoever watches the run, what happens in it. */
  readonly emit: Emit;
  readonly notify: Notify;
  /**
   * Tells the user of the engine and of how it is used. A run that takes the place of another one opens its engine
   * twice, the first time to see whether there is one: it says each sentence once.
   */
  readonly notifyOfEngine: Notify;
  /** Samples of the GPUs that hold the engine's model. */
  readonly gpus: GpuMonitor;
  /** Aborted at the first Ctrl-C, and when the run failed: nothing new is sent. */
  readonly stop: AbortSignal;
  /** Aborted at the second Ctrl-C, and when the run failed: everything ends now. */
  readonly abort: AbortSignal;
  /** Aborted, with the error as its reason, when the files of the run can't be written any more. */
  readonly failure: AbortSignal;
  readonly fail: (error: unknown) => void;
  /** Takes the engine whose process and GPUs are measured from now on. */
  setEngine: (backend: Backend) => void;
  /** Lets the host show the run, once: from now on its state can be read. */
  show: () => void;
  close: () => Promise<void>;
}

/**
 * Opens the manifest and reads the input. Throws a `UsageError` or a `JournalError` where they don't fit each other.
 */
export async function openRun(request: RunRequest, host: RunHost, files: RunFiles): Promise<Run> {
  const { manifest, notes, replaces, ...origin } = await openManifest(request);
  const { isNew, isAdopted } = origin;
  notes.forEach((text) => host.notify({ topic: 'manifest', text }));
  const replacement = replaces && prepareReplacement(replaces, request.paths, host);
  const [changedLines, firstRejection] = [createChangedLines(request), keepFirstRejection()];
  const repeats = createRepeatCount();
  const asksReuse = reuseFlags(request.runner) !== null;
  const paths = { ...request.paths, spool: replacement?.spool ?? request.paths.spool };
  const input = await readInput(
    { ...request, paths },
    {
      host,
      mayStream: isNew && !isAdopted && !asksReuse,
      previous: isNew ? null : manifest.input,
      listeners: {
        onRejected: firstRejection.onRejected,
        onChanged: changedLines.note,
        ...(asksReuse && { onRequest: repeats.onRequest }),
      },
    },
  );
  const watch = watchRun(host, input);
  return {
    request,
    host,
    files,
    manifest,
    origin,
    replacement,
    input,
    firstRejection: firstRejection.text,
    checkRepeats: repeats.check,
    changedLines,
    control: createRunControl(host.notify, watch.emit),
    meter: watch.meter,
    emit: watch.emit,
    gpus: watch.gpus,
    setEngine: watch.setEngine,
    show: watch.show,
    notify: host.notify,
    notifyOfEngine: replacement === null ? host.notify : onceEach(host.notify),
    ...signalsOf(host),
    async close() {
      watch.stopWatching();
      await input.close();
      await replacement?.giveUp();
    },
  };
}

function signalsOf({ stop, abort }: RunHost): Pick<Run, 'stop' | 'abort' | 'failure' | 'fail'> {
  const failing = new AbortController();
  return {
    stop: AbortSignal.any([stop, failing.signal]),
    abort: AbortSignal.any([abort, failing.signal]),
    failure: failing.signal,
    fail: (error) => failing.abort(error),
  };
}

/** Leaves out what was told before, word for word. */
function onceEach(notify: Notify): Notify {
  const told = new Set<string>();
  return (notice) => {
    if (told.has(notice.text)) return;
    told.add(notice.text);
    notify(notice);
  };
}

type RunWatch = Pick<Run, 'meter' | 'emit' | 'gpus' | 'setEngine' | 'show'> & { stopWatching: () => void };

/** Measures a run: what happens in it, the engine's process and GPUs. */
function watchRun(host: RunHost, input: RunInput): RunWatch {
  const meter = observed(createMeter(), host);
  const watching = new AbortController();
  const state = { backend: null as Backend | null, isShown: false };
  const gpus = createGpuMonitor(meter.add);
  const emit: Emit = (event) => {
    meter.add(event);
    if (event.type === 'model-memory') gpus.setMemory(event.memory);
    if (event.type === 'engine-restart')
      host.notify({ topic: 'engine-restart', text: `the engine is started again: ${event.reason}` });
  };
  return {
    meter,
    emit,
    gpus,
    setEngine(backend) {
      state.backend = backend;
      gpus.setEngine(backend);
    },
    show() {
      if (state.isShown) return;
      state.isShown = true;
      watchGpus((event) => event.type === 'gpu-sample' && gpus.add(event.gpus), watching);
      watchProcess(() => state.backend?.supervision?.pid?.() ?? null, emit, watching);
      // Standard input: how many requests there are is known only when it has ended.
      void input.completed.then(
        () => input.isComplete() && emit({ type: 'total-change', total: countWanted(input) }),
        () => undefined,
      );
      host.onStart(meter.snapshot);
    },
    stopWatching: () => watching.abort(),
  };
}

function observed(meter: Meter, { onEvent }: RunHost): Meter {
  if (onEvent === undefined) return meter;
  return {
    ...meter,
    add(event) {
      meter.add(event);
      onEvent(event);
    },
  };
}
