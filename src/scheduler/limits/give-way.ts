import type { Backend } from '../../core/backend.ts';
import type { Emit, Notify } from '../../core/events.ts';
import type { EngineLoad } from '../../core/measurements.ts';
import { formatCounted, formatDuration } from '../../text/format.ts';

/** Lets an engine to others while they use it (`--background`): nothing new is sent meanwhile, and what is in flight ends. */
export interface GiveWay {
  /** Nothing new is to be sent now: others use the engine, or it was not asked yet. */
  isOn: () => boolean;
  /** Takes what the engine says of its load, about once a second; null: it does not say any more. */
  onLoad: (load: EngineLoad | null) => void;
  /** The engine tells nothing of its load: nobody can give way there. */
  noteUntold: () => void;
  close: () => void;
}

export interface GiveWayOptions {
  backend: Pick<Backend, 'info' | 'limits'>;
  maxWorkers: number;
  emit: Emit;
  notify: Notify;
  /** Called when the engine may be sent requests again. */
  onRoom: () => void;
}

/**
 * Looks in a row, about a second apart, that must show nobody else before the run goes on: a program that asks one question
 * after the other needs a second or two between them, and the engine idles for no longer than this.
 */
const freeLooks = 5;
/** Time in milliseconds after which it is told that others go on and on, doubled each time: a user who forgot them may look. */
const firstLongMs = 600_000;

export function createGiveWay(options: GiveWayOptions): GiveWay {
  const { backend, emit, notify, onRoom } = options;
  const { server = 'the engine' } = backend.info;
  const state = { isAsked: false, isOn: false, free: 0, isFirst: true, since: 0, longMs: firstLongMs };

  /** The first time is told, and later ones are details: a night may have hundreds. */
  const tell = (text: string): void => notify({ topic: 'live', text, ...(!state.isFirst && { isDetail: true }) });
  const begin = (others: number): void => {
    Object.assign(state, { isOn: true, since: performance.now(), longMs: firstLongMs });
    emit({ type: 'give-way', isOn: true });
    tell(begunText(server, others));
  };
  const end = (): void => {
    state.isOn = false;
    emit({ type: 'give-way', isOn: false });
    tell(`${server} is free again: the run continues, and gives way again when others use the server`);
    state.isFirst = false;
    onRoom();
  };
  const noteLong = (): void => {
    const ms = performance.now() - state.since;
    if (ms < state.longMs) return;
    state.longMs *= 2;
    notify({ topic: 'live', text: longText(server, ms) });
  };
  const follow = (others: number): void => {
    state.free = others > 0 ? 0 : state.free + 1;
    if (!state.isOn && others > 0) begin(others);
    else if (state.isOn && state.free >= freeLooks) end();
    else if (state.isOn) noteLong();
  };

  return {
    isOn: () => state.isOn || !state.isAsked,
    onLoad(load) {
      const isFirst = !state.isAsked;
      state.isAsked = true;
      if (load !== null) follow(load.others ?? 0);
      else if (state.isOn) end();
      if (isFirst && load?.waiting === null && mayFill(options)) notify({ topic: 'live', text: unseenText(server) });
      if (isFirst && !state.isOn) onRoom();
    },
    noteUntold() {
      state.isAsked = true;
      notify({ topic: 'live', text: untoldText(backend) });
      onRoom();
    },
    close() {
      if (state.isOn) emit({ type: 'give-way', isOn: false });
    },
  };
}

/** May our own requests take all that the engine works on at a time? */
const mayFill = ({ backend, maxWorkers }: GiveWayOptions): boolean => maxWorkers >= (backend.limits.slots ?? Infinity);

const begunText = (server: string, others: number): string =>
  `others use ${server} (${formatCounted(others, 'request')} of theirs): no new requests are sent until it has been free for ${freeLooks} seconds`;

const longText = (server: string, ms: number): string =>
  `others have used ${server} for ${formatDuration(ms)}: the run still gives way; to send anyway: Ctrl-C, then llmbatch resume --no-background`;

const unseenText = (server: string): string =>
  `--background: ${server} reports its running requests but not its queue: others are noticed only if a slot is free for them (fewer --workers than slots), or if its metrics are enabled`;

const untoldText = ({ info: { server } }: Pick<Backend, 'info'>): string =>
  server === undefined
    ? '--background has no effect here: the engine belongs to this run, and nobody else can use it; use --hours 22-07 to leave the machine to others at other times'
    : `--background: ${server} does not report whether others use it, so the run can't give way; use --hours 22-07 or llmbatch pause instead`;
