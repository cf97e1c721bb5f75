import { sleep } from '../src/async/sleep.ts';
import type { Backend, BackendDefinition, OpenRequest } from '../src/core/backend.ts';
import { type Answer, failure, responseBody } from '../src/core/completion.ts';
import { type ConnectionFlag, givenText } from '../src/core/connection.ts';
import type { ExaminedEngine, ExamineRequest } from '../src/core/doctor/examination.ts';
import { EngineError, UsageError } from '../src/core/errors.ts';
import { isNeutral } from '../src/core/request-keys/request-keys.ts';
import { type BatchRequest, textOf } from '../src/core/request.ts';

/** The flag that says where the engine is. */
const echoHost: ConnectionFlag = {
  flag: '--echo-host <address>',
  help: 'the echo server, such as valley:7 (default: ECHO_HOST)',
  names: 'server',
  variable: 'ECHO_HOST',
  secrets: ['ECHO_API_KEY'],
  parse: (address) => readAddress(String(address), '--echo-host'),
};

/** The value of a flag or its variable is stored in files, so an address that may contain a secret is refused, and not printed. */
function readAddress(address: string, what: string): string {
  if (address.includes('@')) throw new UsageError(`${what} contains a user name`, 'Set ECHO_API_KEY.');
  return address;
}

/** The address from the flag, or else from the variable, which nothing else reads. */
const serverAddress = ({ connection, environment }: Pick<OpenRequest, 'connection' | 'environment'>): string =>
  givenText(connection, 'echoHost') ?? readAddress(environment['ECHO_HOST'] ?? 'localhost', 'ECHO_HOST');

/** An engine that answers each chat with its last message. It has all required members and a few optional ones. */
export const echoBackend: BackendDefinition = {
  name: 'echo',
  summary: 'answers with the question (--echo-host, or ECHO_HOST)',
  endpoints: ['/v1/chat/completions'],
  connection: { echoHost },
  optionsHelp: { delay_ms: 'time of an answer (default: 0)' },
  optionsSchema,
  serves: (model) => model === 'echo' || 'has one model, echo (-m echo)',
  doctor: { examine: examineEcho },
  open: openEcho,
};

/** What doctor finds at the address from the flag or the environment. */
async function examineEcho(request: ExamineRequest): Promise<ExaminedEngine> {
  const address = serverAddress(request);
  return {
    isUsable: true,
    serverUrl: null,
    json: { echo: { address } },
    report: () => ({ rows: [['echo', `answers at ${address}`]], findings: [], howToSet: [] }),
  };
}

async function optionsSchema() {
  const { z } = await import('zod');
  return z.strictObject({ delay_ms: z.coerce.number().min(0).default(0) });
}

async function openEcho(opened: OpenRequest): Promise<Backend> {
  const { model, options } = opened;
  if (model !== 'echo') throw new EngineError('model-not-found', `There is no model ${model}.`, 'Use -m echo.');
  const { delay_ms: delayMs } = (await optionsSchema()).parse(options);
  const server = serverAddress(opened);
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

/** Refuses a key or an endpoint that the engine can't honour, by name, and a prompt that does not fit. It never cuts a prompt. */
function answerTo({ id, endpoint, body }: BatchRequest): Answer {
  if (!echoBackend.endpoints.includes(endpoint)) return failure('bad-request', `echo can't answer ${endpoint}.`);
  const [unknown] = Object.keys(body).filter((key) => !honoured.has(key) && !isNeutral(key, body[key]));
  if (unknown !== undefined) return failure('bad-request', `echo can't honour \`${unknown}\`: remove it.`);
  const text = textOf(body.messages?.at(-1)?.content ?? null);
  const tokens = text.split(/\s+/).length;
  if (tokens > contextTokens) return failure('context-too-long', `The prompt has more than ${contextTokens} words.`);
  const counts = { promptTokens: tokens, completionTokens: tokens };
  return {
    status: 'completed',
    body: responseBody({ id, model: body.model, chat: true, text, finishReason: 'stop', ...counts }),
  };
}
