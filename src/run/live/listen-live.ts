import { chmod, lstat, rm } from 'node:fs/promises';
import { type Server, type Socket, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { systemReason } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { type Snapshot, snapshotToWire } from '../../core/snapshot.ts';
import { jsonVersion } from '../../text/snake-keys.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { realPathOf } from '../../files/real-path.ts';
import { type LiveAnswer, type LiveRequest, liveRequestSchema, liveVersion } from './messages.ts';
import type { RunControl } from './run-control.ts';
import { socketFolder, socketPathOf } from './socket-path.ts';

/** A run that other processes of this user can ask and change. */
export interface LiveSocket {
  /** Tells those who watch that the run has ended, and takes the socket away. */
  close: () => Promise<void>;
}

export interface LiveRun {
  output: string;
  environment: NodeJS.ProcessEnv;
  control: RunControl;
  snapshot: () => Snapshot;
  /** Puts all results on disk that are there. */
  flush: () => Promise<void>;
  notify: Notify;
}

/** A longer line is no request; nobody needs more connections than these. */
const maxLineBytes = 4096;
const maxConnections = 32;
/** Who connects and says nothing is let go after this time, in milliseconds. */
const maxSilenceMs = 10_000;
const watchMs = 1000;

/**
 * Listens on the run's own socket, which only this user can reach. The run holds the lock of its output, so that a socket that
 * lies there is of a dead run. A run that can't listen goes on without.
 */
export async function listenLive(run: LiveRun): Promise<LiveSocket> {
  const path = socketPathOf(run.output, run.environment);
  const sockets = new Set<Socket>();
  const watchers = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      watchers.delete(socket);
    });
    serveSocket(socket, run, watchers);
  });
  const ticker = setInterval(() => {
    if (watchers.size === 0) return;
    const line = progressLine(run, false);
    for (const watcher of watchers) watcher.write(line);
  }, watchMs).unref();
  server.maxConnections = maxConnections;
  try {
    await makeOwnFolder(socketFolder(run.environment));
    await rm(path, { force: true });
    await listenOn(server, path);
    await chmod(path, 0o600);
  } catch (error) {
    const text = `this run can't be paused or watched from another terminal: its socket can't be created (${systemReason(error)})`;
    run.notify({ topic: 'live', text, isDetail: true });
  }
  // The socket keeps no process alive.
  server.unref();
  return {
    async close() {
      clearInterval(ticker);
      for (const watcher of watchers) watcher.write(progressLine(run, true));
      for (const socket of sockets) socket.destroySoon();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}

/** Another user may have made a folder of this name where everybody can write. */
async function makeOwnFolder(path: string): Promise<void> {
  await makeFolder(path, 0o700);
  const { uid, mode } = await lstat(path);
  if (uid !== userInfo().uid || (mode & 0o077) !== 0) throw new Error(`${path} is open to others`);
}

const listenOn = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });

/** One line in, one line out; a watcher gets more. */
function serveSocket(socket: Socket, run: LiveRun, watchers: Set<Socket>): void {
  let text = '';
  let isAsked = false;
  socket.setEncoding('utf8');
  socket.setTimeout(maxSilenceMs, () => {
    if (!watchers.has(socket)) socket.destroy();
  });
  socket.on('error', () => socket.destroy());
  // What comes behind the line is read and dropped: a socket that is closed with unread bytes takes its answer with it.
  socket.on('data', (chunk: string) => {
    if (isAsked) return;
    text += chunk;
    const end = text.indexOf('\n');
    if (end < 0 && text.length < maxLineBytes) return;
    const request = readRequest(text.slice(0, end < 0 ? maxLineBytes : end));
    isAsked = true;
    void answerAsked(socket, request, { run, watchers });
  });
}

async function answerAsked(
  socket: Socket,
  request: LiveRequest | string,
  { run, watchers }: { run: LiveRun; watchers: Set<Socket> },
): Promise<void> {
  const answer = typeof request === 'string' ? refusal(request) : await answerTo(request, run);
  socket.write(`${JSON.stringify(answer)}\n`);
  if (typeof request !== 'string' && request.do === 'watch') {
    watchers.add(socket);
    socket.write(progressLine(run, false));
  } else socket.end();
}

/** The request, or why it is none. */
function readRequest(line: string): LiveRequest | string {
  try {
    const { data, error } = liveRequestSchema.safeParse(JSON.parse(line));
    return data ?? `this run does not know the request (${error?.issues[0]?.message ?? 'no JSON object'})`;
  } catch {
    return 'the request is not a line of JSON';
  }
}

const refusal = (error: string): LiveAnswer => ({ version: liveVersion, ok: false, error });

async function answerTo(request: LiveRequest, run: LiveRun): Promise<LiveAnswer> {
  const { control } = run;
  if (request.do === 'pause') control.pause(request.by);
  if (request.do === 'resume') control.resume(request.by);
  if (request.do === 'set') control.setWorkers(request.workers, request.by);
  // Whoever waits for a pause finds all results in the output. A disk that is full ends the run itself.
  if (control.paused() !== null && run.snapshot().progress.inFlight === 0) await run.flush().catch(() => undefined);
  const { progress } = run.snapshot();
  return {
    version: liveVersion,
    ok: true,
    output: realPathOf(run.output),
    pid: process.pid,
    paused: control.paused(),
    in_flight: progress.inFlight,
    workers: progress.workers.current,
  };
}

/** An object of progress, as `--progress json` writes it. */
const progressLine = ({ output, snapshot }: LiveRun, final: boolean): string =>
  `${JSON.stringify({ title: output, schema_version: jsonVersion, final, ...snapshotToWire(snapshot()) })}\n`;
