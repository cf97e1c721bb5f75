import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { BackendDefinition } from '../../core/backend.ts';
import { UsageError, exitCodes } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { stateFolder } from '../../journal/manifest/run-folder.ts';
import { isLoopback } from '../../machine/is-loopback.ts';
import { checkChatTemplate, checkOptions, findBackend } from '../../run/choose/choose-backend.ts';
import { type ModelRoute, type ServeOptions } from '../../serve/serve-options.ts';
import { startServer } from '../../serve/serve.ts';
import { answerSettings, runnerSettings } from '../shared/build-request.ts';
import { watchInterrupts } from '../shared/interrupts.ts';
import { tell } from '../shared/print.ts';
import type { AnswerFlags, RunnerFlags } from '../shared/run-flags.ts';

export interface ServeFlags extends Partial<AnswerFlags>, Partial<RunnerFlags> {
  backend: string;
  listen?: { host: string; port: number };
  dir?: string;
  route: ModelRoute[];
  lenient: boolean;
  maxFileBytes?: number;
}

const defaultListen = { host: '127.0.0.1', port: 4080 };
/** A key that can't be guessed through the network: 16 random characters of 64 have 96 bits. */
const minKeyCharacters = 16;
/** OpenAI's limit of a file for a batch. */
const defaultMaxFileBytes = 200_000_000;

/** `llmbatch serve`: until it is interrupted. Returns the exit code. */
export async function runServe(flags: ServeFlags, backends: readonly BackendDefinition[]): Promise<number> {
  const options = await optionsOf(flags, backends);
  // Whatever is written from now on, by the runs too, is for nobody else to read.
  process.umask(0o077);
  const server = await startServer(options);
  const interrupts = watchInterrupts(() =>
    tell('stopping: requests in flight may finish, and the batches continue at the next start; Ctrl-C again ends now'),
  );
  tell(`llmbatch serve listens on ${server.url} (base URL of clients: ${server.url}/v1)`);
  tell(`files and batches: ${options.folder}`);
  tell(`engine: ${describeEngine(options)}`);
  try {
    if (!interrupts.stop.aborted) await once(interrupts.stop, 'abort');
    interrupts.abort.addEventListener('abort', () => void server.close(true), { once: true });
    await server.close(interrupts.abort.aborted);
  } finally {
    interrupts.close();
    process.stdin.destroy();
  }
  return interrupts.exitCode() ?? exitCodes.ok;
}

async function optionsOf(flags: ServeFlags, backends: readonly BackendDefinition[]): Promise<ServeOptions> {
  const { listen = defaultListen, dir, route: routes, lenient, maxFileBytes = defaultMaxFileBytes } = flags;
  const environment = process.env;
  const apiKey = environment['LLMBATCH_API_KEY'] || null;
  if (!isLoopback(listen.host)) checkKey(apiKey, listen.host);
  const settings = await answerSettings(flags);
  const named = [settings.backend, ...routes.map(({ backend }) => backend)].filter((name) => name !== 'auto');
  for (const definition of named.map((name) => findBackend(backends, name))) {
    checkChatTemplate(definition, settings);
    await checkOptions(definition, settings.options);
  }
  return {
    ...listen,
    folder: dir === undefined ? join(stateFolder(environment), 'serve') : resolve(dir),
    apiKey,
    maxFileBytes,
    isLenient: lenient,
    routes,
    settings,
    // With routes the flags of several engines have a meaning, whichever of them -b names.
    runner: await runnerSettings(routes.length === 0 ? flags : { ...flags, backend: 'auto' }, backends),
    backends,
    environment,
    notify,
  };
}

/** Refuses to listen beyond this machine without a key that keeps others out. */
function checkKey(apiKey: string | null, host: string): void {
  if (apiKey === null) {
    throw new UsageError(
      `anybody who can reach ${host} could use this server`,
      'Set a key that clients must send, LLMBATCH_API_KEY=..., or listen on 127.0.0.1.',
    );
  }
  if (apiKey.length >= minKeyCharacters) return;
  throw new UsageError(
    `LLMBATCH_API_KEY has ${apiKey.length} characters, so anybody who can reach ${host} could guess it`,
    `Use a key of ${minKeyCharacters} or more characters, for example from: openssl rand -hex 16`,
  );
}

const notify: Notify = ({ text, isDetail = false }) => {
  if (!isDetail) tell(text);
};

function describeEngine({ settings: { backend, model }, routes }: ServeOptions): string {
  const other = backend === 'auto' ? 'the first that has the model' : backend;
  const parts = [
    ...routes.map(({ glob, backend: name }) => `${name} for ${glob}`),
    routes.length > 0 ? `else ${other}` : other,
  ];
  return `${parts.join(', ')}${model === null ? '' : `; model ${model} for all`}`;
}
