import { constants } from 'node:os';
import { PassThrough, Writable } from 'node:stream';
import { createDeferred } from '../../../async/deferred.ts';
import type { WorkerChannel, WorkerEnd } from '../../subprocess/protocol.ts';
import { describeEnd } from '../../subprocess/start-child.ts';
import { createWorkerLog } from '../../subprocess/worker-log.ts';

/** What a worker of the cluster is started with: `Shell.start` of ../python/ray_driver.py. */
export interface WorkerOrder {
  /** GPUs on one node, which Ray chooses. */
  gpus: number;
  /** Path of the Python on the node; null: the one that Ray itself has there. */
  python: string | null;
  variables: { handed: Record<string, string>; fixed: Record<string, string> };
}

export interface ChannelListeners {
  logFile: string | null;
  onLog: (line: string) => void;
  /** The cluster had room for the worker, on the node of this address. */
  onPlaced: (node: string) => void;
}

/** The channels that one driver carries. */
export interface DriverChannels {
  /** The channel of the driver itself. */
  readonly own: WorkerChannel;
  open: (order: WorkerOrder, listeners: ChannelListeners) => WorkerChannel;
}

interface OpenChannel {
  receive: (word: string, value: Buffer) => void;
  /** Nothing more comes: what was said last is read before `end`, a turn later. */
  drain: () => void;
  end: (how: string) => void;
}

/** What the end of each worker says whose driver has ended. */
export const lostWithDriver = 'was lost with the Ray driver';

/** Time in milliseconds for a driver to end a worker, after which it hangs. It gives an actor three seconds. */
const killMs = 10_000;

/**
 * Makes many channels of the one to the driver, each line of which begins with a number and a word: the form is described in
 * ../python/ray_driver.py. `refusal` is why the driver refused to work; null: it did not.
 */
export function createDriverChannels(driver: WorkerChannel, refusal: () => string | null): DriverChannels {
  const channels = new Map<number, OpenChannel>();
  const own = new PassThrough();
  channels.set(0, { receive: (_word, value) => own.write(value), drain: () => own.end(), end: () => {} });
  readLines(driver, (number, word, value) => channels.get(number)?.receive(word, value));
  const ended = driver.ended.then((end) => {
    const how = `${lostWithDriver}: ${(refusal() ?? `it ${end.how}`).replace(/\.$/, '')}`;
    const lost = [...channels.values()];
    for (const channel of lost) channel.drain();
    // All in one turn, so that nobody takes one of them for alive.
    setImmediate(() => lost.forEach((channel) => channel.end(how)));
    return end;
  });
  let last = 0;

  return {
    own: { ...driver, requests: lineWriter(driver, 0), answers: own, ended },
    open(order, listeners) {
      const number = ++last;
      const { channel, ...open } = createChannel(driver, number, listeners);
      channels.set(number, open);
      void channel.ended.then(() => channels.delete(number));
      say(driver, number, 'start', JSON.stringify(order));
      return channel;
    },
  };
}

function say({ requests }: WorkerChannel, number: number, word: string, text = ''): void {
  if (requests.writable) requests.write(`${number} ${word} ${text}\n`);
}

function createChannel(
  driver: WorkerChannel,
  number: number,
  { logFile, onLog, onPlaced }: ChannelListeners,
): OpenChannel & { channel: WorkerChannel } {
  const answers = new PassThrough();
  const printed = new PassThrough();
  const ended = createDeferred<WorkerEnd>();
  let node = '';
  const drain = (): void => {
    answers.end();
    printed.destroy();
  };
  const end = (how: string): void => ended.resolve({ how: `${node}${how}`, isMissing: false });
  const channel: WorkerChannel = {
    pid: null,
    requests: lineWriter(driver, number),
    answers,
    log: createWorkerLog([printed], { redact: driver.redact, file: logFile, onLine: onLog }),
    redact: driver.redact,
    ended: ended.promise,
    kill() {
      say(driver, number, 'kill');
      const timer = setTimeout(() => driver.kill(), killMs).unref();
      void ended.promise.then(() => clearTimeout(timer));
    },
  };
  return {
    channel,
    receive(word, value) {
      if (word === 'line') answers.write(value);
      else if (word === 'log') printed.write(value);
      else if (word === 'ended') {
        drain();
        setImmediate(end, endOf(value));
      } else if (word === 'placed') {
        const { node: address } = JSON.parse(value.toString()) as { node: string };
        node = `on ${address} `;
        onPlaced(address);
      }
    },
    drain,
    end,
  };
}

/** A stream of whole lines to one worker. The driver's own is the driver's input. */
const lineWriter = (driver: WorkerChannel, number: number): Writable =>
  new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      const { requests } = driver;
      if (!requests.writable || requests.write(`${number} line ${line}`)) done();
      else requests.once('drain', done).once('close', done);
    },
    final(done) {
      if (number === 0) driver.requests.end();
      else say(driver, number, 'end');
      done();
    },
  });

/** Cuts what the driver says into lines, and each into its channel, its word and its text with the end of the line. */
function readLines({ answers }: WorkerChannel, onLine: (number: number, word: string, value: Buffer) => void): void {
  let pieces: Buffer[] = [];
  answers.on('data', (piece: Buffer) => {
    pieces.push(piece);
    if (!piece.includes(newline)) return;
    const text = pieces.length === 1 ? piece : Buffer.concat(pieces);
    let start = 0;
    for (let end = text.indexOf(newline); end !== -1; end = text.indexOf(newline, start)) {
      const word = text.indexOf(space, start) + 1;
      const value = text.indexOf(space, word) + 1;
      const number = Number(text.toString('latin1', start, word - 1));
      onLine(number, text.toString('latin1', word, value - 1), text.subarray(value, end + 1));
      start = end + 1;
    }
    pieces = [text.subarray(start)];
  });
}

const newline = 10;
const space = 32;

/** `{"exitCode":-9}`, or `{"cause":"was lost with its Ray actor"}` → the end of a sentence. */
function endOf(value: Buffer): string {
  const { exitCode = 0, cause } = JSON.parse(value.toString()) as { exitCode?: number; cause?: string };
  if (cause !== undefined) return cause;
  return exitCode < 0 ? describeEnd({ signal: signalName(-exitCode) }) : describeEnd({ exitCode });
}

const signalName = (number: number): string =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
