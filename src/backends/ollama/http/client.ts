import { Ollama } from 'ollama/browser';
import { Agent } from 'undici';
import { isRecord } from '../../../data/is-record.ts';
import { type Redaction, createRedaction } from '../../../text/redaction.ts';
import { oneLine } from '../../../text/one-line.ts';
import { GarbledLine, createFetch } from './http.ts';
import type { OllamaHost } from './host.ts';
import { readModels, readShown } from './read-facts.ts';
import type {
  AnswerPart,
  ChatRequest,
  EmbedAnswer,
  EmbedRequest,
  GenerateRequest,
  StoredModel,
  RunningModel,
  ShownModel,
  WireRequest,
} from './wire.ts';

/** An Ollama server. Every call ends with its signal; it throws an `HttpFailure`, or what the connection threw. */
export interface OllamaClient {
  readonly host: OllamaHost;
  /** Takes the key out of everything that the server says, but for what is spread over the parts of a stream. */
  redact: Redaction;
  version: (signal: AbortSignal) => Promise<string>;
  /** Installed models. */
  tags: (signal: AbortSignal) => Promise<StoredModel[]>;
  /** Loaded models. */
  ps: (signal: AbortSignal) => Promise<RunningModel[]>;
  show: (model: string, signal: AbortSignal) => Promise<ShownModel>;
  /** Loads the model, or frees it with `keep_alive: 0`. */
  load: (request: WireRequest, signal: AbortSignal) => Promise<void>;
  chat: (request: ChatRequest, signal: AbortSignal) => Promise<AsyncIterable<AnswerPart>>;
  /** The prompt that the server would make of a chat; null from one that does not know the question. */
  render: (request: ChatRequest, signal: AbortSignal) => Promise<string | null>;
  generate: (request: GenerateRequest, signal: AbortSignal) => Promise<AsyncIterable<AnswerPart>>;
  embed: (request: EmbedRequest, signal: AbortSignal) => Promise<EmbedAnswer>;
  close: () => Promise<void>;
}

/** Connections beside those of the workers, for `ps` and the like, which must not wait behind answers. */
const spareConnections = 4;

/**
 * One agent for all calls: no limit for headers or bodies, since a request may wait in the server's queue for hours.
 */
export function createClient(host: OllamaHost, workers: number): OllamaClient {
  const agent = new Agent({ connections: workers + spareConnections, headersTimeout: 0, bodyTimeout: 0 });
  const redact = createRedaction([host.key]);
  const headers = host.key === null ? {} : { Authorization: `Bearer ${host.key}` };
  // One for each call: the package keeps every stream that was aborted, and has no signal for one call.
  // The browser's build, since the other reads files that an image's text may name.
  const calls = (signal: AbortSignal): Ollama =>
    new Ollama({ host: host.url, headers, fetch: createFetch(agent, { signal, redact }) });
  return {
    host,
    redact,
    version: async (signal) => readVersion(await calls(signal).version()),
    tags: async (signal) => readModels(await calls(signal).list()),
    ps: async (signal) => readModels(await calls(signal).ps()),
    show: async (model, signal) => readShown(await calls(signal).show({ model, verbose: true } as never)),
    load: async (request, signal) => void (await calls(signal).chat({ ...request, messages: [], stream: false })),
    chat: (request, signal) => stream(calls(signal).chat({ ...request, stream: true } as never)),
    render: async (request, signal) =>
      readRendered(await calls(signal).chat({ ...request, stream: false, _debug_render_only: true } as never)),
    generate: (request, signal) => stream(calls(signal).generate({ ...request, stream: true } as never)),
    embed: async (request, signal) => await calls(signal).embed(request),
    close: () => agent.destroy(),
  };
}

function readVersion(answer: unknown): string {
  if (isRecord(answer) && typeof answer['version'] === 'string') return oneLine(answer['version']);
  throw new GarbledLine(JSON.stringify(answer));
}

function readRendered(answer: unknown): string | null {
  const info = isRecord(answer) ? answer['_debug_info'] : null;
  const text = isRecord(info) ? info['rendered_template'] : null;
  return typeof text === 'string' ? text : null;
}

const stream = (answer: Promise<unknown>): Promise<AsyncIterable<AnswerPart>> =>
  answer as Promise<AsyncIterable<AnswerPart>>;
