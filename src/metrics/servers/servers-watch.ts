import type { RunEvent } from '../../core/events.ts';
import type { ServerNumbers } from '../../core/snapshot/server-numbers.ts';
import { type ServerWatch, watchServer } from './server-watch.ts';

/** The servers of a run that has several. Times are milliseconds of the caller's clock. */
export interface ServersWatch {
  /** Takes an event of one server, one that names them all, or a result that names one. */
  add(event: RunEvent, atMs: number): void;
  isAtWork(server: number): boolean;
  /** Null where no servers were named. `hasWork`: some requests have no result yet. */
  read(nowMs: number, hasWork: boolean): ServerNumbers[] | null;
}

export function createServersWatch(): ServersWatch {
  const servers: ServerWatch[] = [];
  const byName = new Map<string, ServerWatch>();
  let endedAtMs = 0;

  const open = (name: string, atMs: number): ServerWatch => {
    const known = byName.get(name);
    if (known !== undefined) return known;
    const server = watchServer(name, atMs);
    byName.set(name, server);
    return server;
  };
  const addTo = (server: ServerWatch, event: RunEvent, atMs: number): void => {
    if (event.type === 'request-end') endedAtMs = atMs;
    (handlers[event.type] as Handler | undefined)?.(server, event, atMs);
  };
  return {
    add(event, atMs) {
      if (event.type === 'servers') event.names.forEach((name, index) => (servers[index] = open(name, atMs)));
      if (event.type === 'result-end') byName.get(event.sample.server ?? '')?.addResult(event.sample, atMs);
      if (event.server === undefined) return;
      if (event.type === 'server-start') servers[event.server] ??= open(event.name, atMs);
      const server = servers[event.server];
      if (server !== undefined) addTo(server, event, atMs);
    },
    isAtWork: (server) => servers[server]?.isAtWork() ?? true,
    read(nowMs, hasWork) {
      if (servers.length === 0) return null;
      const answered = servers.reduce((sum, server) => sum + server.answered(), 0);
      return servers.map((server) => {
        const numbers = server.read(nowMs, hasWork ? nowMs : endedAtMs);
        return { ...numbers, share: answered === 0 ? null : numbers.answered / answered };
      });
    },
  };
}

type Handler = (server: ServerWatch, event: RunEvent, atMs: number) => void;

type Handlers = {
  [Type in RunEvent['type']]?: (server: ServerWatch, event: Extract<RunEvent, { type: Type }>, atMs: number) => void;
};

const handlers: Handlers = {
  'server-start': (server, { workers }, atMs) => server.start(workers, atMs),
  'server-state': (server, event, atMs) => server.setState(event, atMs),
  'give-way': (server, { isOn }, atMs) => server.setGivesWay(isOn, atMs),
  'workers-change': (server, { ofServer = 0 }) => server.setWorkers(ofServer),
  'request-start': (server, _event, atMs) => server.addStart(atMs),
  'request-end': (server, event, atMs) => server.addEnd(event, atMs),
  'request-retry': (server, { isGivenAway }) => isGivenAway !== true && server.addRetry(),
  flight: (server, { flight }, atMs) => server.addFlight(flight, atMs),
  'engine-outage': (server) => server.addOutage(),
};
