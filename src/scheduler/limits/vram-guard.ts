import type { GpuSample } from '../../core/measurements.ts';
import { EngineError } from '../../core/errors.ts';
import type { Emit, VramStep, Notify } from '../../core/events.ts';
import { formatDuration, formatPercent } from '../../text/format.ts';
import type { RunnerSettings } from '../../core/settings.ts';
import type { Conversations } from '../conversation.ts';
import { type VramReading, createVramGauge } from './vram-gauge.ts';
import type { WorkerLimit } from './worker-limit.ts';

/** Keeps GPU memory under its limit: the histories are trimmed, then the workers halved down to one, then paused. */
export interface VramGuard {
  close: () => void;
}

/** Samples of the GPUs that hold the model; `subscribe` returns what ends the subscription. */
export interface GpuMonitor {
  subscribe: (listener: (gpus: GpuSample[]) => void) => () => void;
}

export interface Guarded {
  gpus: GpuMonitor;
  settings: Pick<RunnerSettings, 'vramLimit' | 'stallTimeoutMs'>;
  conversations: Conversations | null;
  workers: WorkerLimit;
  emit: Emit;
  notify: Notify;
  /** Ends the run with this error. */
  fail: (error: EngineError) => void;
}

/** Number of samples in which a step may take effect before the next one is taken. */
const samplesToWork = 3;
const waysOut = 'a smaller context window, fewer slots of the server, or a smaller quantisation of the model';

export function createVramGuard(guarded: Guarded): VramGuard {
  const { settings, conversations, workers, emit, notify } = guarded;
  const gauge = createVramGauge(settings.vramLimit);
  const state = { isFirst: true, mayTrim: true, samplesLeft: 0, gpus: [] as GpuSample[] };
  const pause = createPause(guarded, () => gauge.accept(state.gpus));

  const isTrimmed = (text: string): boolean =>
    state.mayTrim && conversations !== null && conversations.trimAll({ kind: 'GPU memory', text }) > 0;

  /** The first step that changes something; null where none is left. */
  const act = (text: string): VramStep | null => {
    if (isTrimmed(text)) return 'trim';
    const before = workers.workers();
    if (workers.lower('vram')) {
      notify({ topic: 'vram', text: `${text}: ${workers.workers()} of ${before} workers continue` });
      return 'lower';
    }
    return pause.begin(text) ? 'pause' : null;
  };

  const judge = (reading: VramReading): void => {
    if (reading.level === 'below') {
      state.mayTrim = true;
      pause.end(describe(reading));
    }
    if (state.samplesLeft > 0) state.samplesLeft--;
    else if (reading.level === 'over') {
      const did = act(describe(reading));
      if (did === null) return;
      Object.assign(state, { mayTrim: false, samplesLeft: samplesToWork });
      emit({ type: 'vram-guard', did });
    }
  };

  const unsubscribe = guarded.gpus.subscribe((gpus) => {
    const reading = gauge.read(gpus);
    if (reading === null) return;
    const isGiven = state.isFirst && settings.vramLimit === 'auto' && reading.level === 'over';
    Object.assign(state, { isFirst: false, gpus });
    if (!isGiven) return judge(reading);
    gauge.accept(gpus);
    const text = `${describe(reading)} with the model just loaded: only growth counts from here. More room: ${waysOut}`;
    notify({ topic: 'vram', text });
  });
  return {
    close() {
      unsubscribe();
      pause.close();
    },
  };
}

/**
 * The pause in which nothing is sent, until there is room or it has lasted as long as a stall may. `accept` lifts the
 * limit to what is in use.
 */
function createPause({ settings, workers, notify, fail }: Guarded, accept: () => void) {
  const { vramLimit, stallTimeoutMs } = settings;
  let timer: NodeJS.Timeout | null = null;

  const close = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  const end = (why: string): void => {
    if (timer === null) return;
    close();
    notify({ topic: 'vram', text: `${why}: the run continues` });
    workers.resume();
  };
  const onLong = (): void => {
    const text = `GPU memory stayed at its limit for ${formatDuration(stallTimeoutMs)} with nothing sent`;
    if (vramLimit !== 'auto') {
      fail(new EngineError('out-of-memory', text, `Use a higher --vram-limit, ${waysOut}. Then resume.`));
      return;
    }
    // A limit that the user did not set must not end a run: another program may fill the card.
    accept();
    end(text);
  };
  return {
    close,
    end,
    /** Pauses the run; false where it pauses already. */
    begin(why: string): boolean {
      if (timer !== null) return false;
      notify({ topic: 'vram', text: `${why}: nothing is sent until there is room` });
      timer = setTimeout(onLong, stallTimeoutMs);
      workers.pause();
      return true;
    },
  };
}

const describe = ({ share, limit }: VramReading): string =>
  `GPU memory is at ${formatPercent(share)} (limit ${formatPercent(limit)})`;
