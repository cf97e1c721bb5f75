import { sleep } from '../src/async/sleep.ts';
import type { Backend, BackendDefinition, OpenRequest } from '../src/core/backend.ts';
import { type Answer, failure, responseBody } from '../src/core/completion.ts';
import { type ConnectionFlag, givenText } from '../src/core/connection.ts';
import { EngineError, UsageError } from '../src/core/errors.ts';
import { type BatchRequest, textOf } from '../src/core/request.ts';

/** The flag that says where the engine is. Whatever it takes goes into files, so it refuses what may hold a secret. */
const echoHost: ConnectionFlag = {
  flag: '--echo-host <address>',
  help: 'the echo server, such as valley:7 (default: ECHO_HOST)',
  names: 'server',
  variable: 'ECHO_HOST',
  secrets: ['ECHO_API_KEY'],
  parse(address) {
    if (String(address).includes('@')) throw new UsageError('the address holds a user name', 'Set ECHO_API_KEY.');
    return address;
  },
};

/** An engine that answers each chat with its last message: all that an engine must have, and a little of what it may. */
export const echoBackend: BackendDefinition = {
  name: 'echo',
  summary: 'answers with the question (--echo-host, or ECHO_HOST)',
  endpoints: ['/v1/chat/completions'],
  connection: { echoHost },
  optionsHelp: { delay_ms: 'time of an answer (default: 0)' },
  optionsSchema,
  serves: (model) => model === 'echo',
  howToServe: 'name the model echo',
  open: openEcho,
};

async function optionsSchema() {
  const { z } = await import('zod');
  return z.strictObject({ delay_ms: z.coerce.number().min(0).default(0) });
}

async function openEcho({ model, options, connection, environment }: OpenRequest): Promise<Backend> {
  if (model !== 'echo') throw new EngineError('model-not-found', `There is no model ${model}.`, 'Take -m echo.');
  const { delay_ms: delayMs } = (await optionsSchema()).parse(options);
  const server = givenText(connection, 'echoHost') ?? environment['ECHO_HOST'] ?? 'localhost';
  return {
    info: { model, modelDigest: null, version: 'echo 1', loadMs: null, server, usesLocalGpus: false },
    limits: { slots: null, suggestedWorkers: 8, contextTokens },
    async generate(request, { signal, onActivity, onFirstToken }) {
      await sleep(delayMs, signal);
      onActivity();
      onFirstToken();
      return answerTo(request);
    },
    close: async () => {},
  };
}

const contextTokens = 1000;
const honoured = new Set(['model', 'messages']);

/** A key that the engine can't honour is refused by name, and a prompt that does not fit is never cut. */
function answerTo({ id, body }: BatchRequest): Answer {
  const [unknown] = Object.keys(body).filter((key) => !honoured.has(key) && body[key] !== null);
  if (unknown !== undefined) return failure('bad-request', `echo can't honour \`${unknown}\`: leave it away.`);
  const text = textOf(body.messages?.at(-1)?.content ?? null);
  const tokens = text.split(/\s+/).length;
  if (tokens > contextTokens) return failure('context-too-long', `The prompt has more than ${contextTokens} words.`);
  const counts = { promptTokens: tokens, completionTokens: tokens };
  return {
    status: 'completed',
    body: responseBody({ id, model: body.model, chat: true, text, finishReason: 'stop', ...counts }),
  };
}
