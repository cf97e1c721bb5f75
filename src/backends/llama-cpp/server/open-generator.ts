import { EngineError } from '../../../core/errors.ts';
import type { Generator } from '../answer/generator.ts';
import { readBody } from '../answer/read-body.ts';
import type { LoadedEngine } from '../load-engine.ts';
import type { EngineSettings, ServerSettings } from '../options.ts';
import { takeLibrary } from './choose-server.ts';
import { createServerGenerator } from './server-generator.ts';
import { type ChildServer, startChildServer } from './start-child-server.ts';

/**
 * Starts a server on the model, and tries it with one token. `onStart` is given it at once, since loading takes long.
 * Throws an `EngineError` where it can't load the model, or does not answer as is needed here. It may end later.
 */
export async function openServerGenerator(
  { model, info }: Pick<LoadedEngine, 'model' | 'info'>,
  settings: EngineSettings & { server: ServerSettings },
  onStart: (server: ChildServer) => void,
): Promise<Generator> {
  const { contextTokens } = info;
  const server = await startChildServer(settings, settings.server, { contextTokens, onStart });
  const generate = createServerGenerator(server, (token) => model.isEogToken(token));
  const prompt = model.tokenize('a');
  try {
    await generate({ ...silent, prompt, limit: 1, settings: greedy, grammar: null, allowRepetition: true });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { path, version } = settings.server;
    throw new EngineError(
      'unusable',
      `${path} (${version}) is not as llmbatch needs it. ${error.message}`,
      takeLibrary,
    );
  }
  return generate;
}

const silent = {
  signal: new AbortController().signal,
  onActivity() {},
  onPrompt() {},
  onFirstToken() {},
  onToken() {},
};

const greedy = readBody({ model: '', prompt: '', max_tokens: 1 }, 'prompt');
