import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { EngineError } from '../../../core/errors.ts';
import { createRedaction } from '../../../text/redaction.ts';
import { describeEnd } from '../../subprocess/start-child.ts';
import { createWorkerLog } from '../../subprocess/worker-log.ts';
import type { EngineSettings, ServerSettings } from '../options.ts';
import { takeLibrary } from './choose-server.ts';
import { serverVariables } from './examine-server.ts';
import { serverArguments } from './server-settings.ts';

/** A `llama-server` that is a child of this process. */
export interface ChildServer {
  /** Sends a request with a body of JSON. Rejects when the connection breaks, and with an `AbortError` when aborted. */
  post: (path: string, body: object, signal: AbortSignal) => Promise<IncomingMessage>;
  /** Resolves when it has ended, to how, as the end of a sentence. */
  readonly ended: Promise<string>;
  /** Its last lines, as the end of a message; '' where it printed nothing. */
  lastLog: () => string;
  kill: () => void;
}

const pollMs = 50;

/** Starts a server and waits until it has loaded the model. Throws an `EngineError` when it ends before. */
export async function startChildServer(
  settings: EngineSettings,
  server: ServerSettings,
  { contextTokens, onStart }: { contextTokens: number; onStart: (server: ChildServer) => void },
): Promise<ChildServer> {
  const key = randomBytes(32).toString('hex');
  const port = server.socket === null ? await freePort() : 0;
  // A server that was killed has left it.
  if (server.socket !== null) await rm(server.socket, { force: true });
  const flags = serverArguments(settings, server, { contextTokens, port });
  const { child } = await startProgram([server.path, ...flags], { ...serverVariables(), LLAMA_API_KEY: key });
  const log = createWorkerLog([child.stdout, child.stderr], {
    redact: createRedaction([key]),
    onLine: (line) => process.stderr.write(`${line}\n`),
  });
  const address = server.socket === null ? { host: '127.0.0.1', port } : { socketPath: server.socket };
  const options = { ...address, agent: false, headers: { authorization: `Bearer ${key}` } };
  const started: ChildServer = {
    post: (path, body, signal) => send({ ...options, method: 'POST', path, signal }, JSON.stringify(body)),
    ended: child.then(describeEnd),
    lastLog: log.text,
    kill: () => child.kill('SIGKILL'),
  };
  onStart(started);
  await untilLoaded(options, started, server);
  return started;
}

/** Starts a program that the kernel kills when this process ends in any way, where the system can do that. */
async function startProgram(command: readonly string[], env: NodeJS.ProcessEnv) {
  const [file = '', ...flags] = [...(await diesWithParent()), ...command];
  return { child: execa(file, flags, { stdin: 'ignore', buffer: false, reject: false, env, extendEnv: false }) };
}

function send(options: RequestOptions, body = ''): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(options, resolve).on('error', reject);
    sent.end(body);
  });
}

async function untilLoaded(
  options: RequestOptions,
  { ended, lastLog }: Pick<ChildServer, 'ended' | 'lastLog'>,
  { path }: ServerSettings,
): Promise<void> {
  const end = { how: null as string | null };
  void ended.then((how) => (end.how = how));
  while (!(await isHealthy(options))) {
    if (end.how !== null)
      throw new EngineError('unusable', `${path} can't serve the model: it ${end.how}.${lastLog()}`, takeLibrary);
    await sleep(pollMs);
  }
}

async function isHealthy(options: RequestOptions): Promise<boolean> {
  try {
    const response = await send({ ...options, path: '/health' });
    response.resume();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await once(server.close(), 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/**
 * The beginning of a command line whose process the kernel kills when this one ends in any way; nothing where the system
 * has no such program. There our own end, and that of our process group, end it.
 */
async function diesWithParent(): Promise<string[]> {
  const command = ['setpriv', '--pdeathsig', 'KILL', '--'];
  const { failed } = await execa('setpriv', [...command.slice(1), process.execPath, '--version'], {
    reject: false,
    stdio: 'ignore',
  });
  return failed ? [] : command;
}
