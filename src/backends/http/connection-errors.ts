import { type Failure, failure, noUsage } from '../../core/completion.ts';
import { codeOf } from '../../core/errors.ts';

/**
 * Codes of a connection that broke, or was never made: the system's, those of undici's parser, and undici's own but for
 * wrong use of it.
 */
export const brokenCode = (error: unknown): string =>
  codeThat(error, (code) =>
    /^(E(?!RR_)[A-Z_0-9]+|HPE_[A-Z_]+|HTTPParserError|UND_ERR_(?!INVALID|NOT_SUPPORTED)[A-Z_]+)$/.test(code),
  );

/** Nothing was sent, so nothing was spent. */
const neverMade = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

const words: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens at the address of the server.',
  ENOTFOUND: 'No host has the name of the server.',
  EAI_AGAIN: 'The name of the server could not be looked up.',
  EHOSTUNREACH: 'The network has no way to the server.',
  ENETUNREACH: 'The network has no way to the server.',
  ETIMEDOUT: 'The server takes no connection.',
  UND_ERR_CONNECT_TIMEOUT: 'The server takes no connection.',
  ECONNRESET: 'The server broke the connection before the answer was whole.',
  UND_ERR_SOCKET: 'The server closed the connection before the answer was whole.',
  HTTPParserError: 'What answers at the address of the server does not speak HTTP.',
};

/** The failure of a request whose connection broke, or was never made, with this code. */
export function connectionFailure(code: string): Failure {
  const isNoHttp = code.startsWith('HPE_');
  const text = words[isNoHttp ? 'HTTPParserError' : code] ?? 'The connection to the server broke.';
  const failed = failure('connection', text);
  return neverMade.has(code) ? { ...failed, usage: noUsage } : failed;
}

/** The failure of a request to a server that can't be trusted, with the code of `insecureCode`. */
export const insecureFailure = (code: string): Failure =>
  failure('unusable', `The server can't be trusted: ${insecureReasons.find(([kind]) => kind.test(code))?.[1] ?? ''}.`);

const insecureReasons: readonly (readonly [RegExp, string])[] = [
  [/SELF_SIGNED/, 'it has signed its certificate itself (NODE_EXTRA_CA_CERTS=file.pem makes it trusted)'],
  [/EXPIRED/, 'its certificate has expired'],
  [/ALTNAME/, 'its certificate is for another host name'],
  [/WRONG_VERSION_NUMBER|^ERR_SSL/, 'it does not speak TLS (is its address one with http:// ?)'],
  [
    /./,
    'its certificate is not signed by an authority that this machine trusts (to trust it, set NODE_EXTRA_CA_CERTS=file.pem)',
  ],
];

/**
 * The error code of a TLS connection that can't be trusted: an unknown authority, another name, or no TLS at the other
 * end; '' for any other error.
 */
export const insecureCode = (error: unknown): string =>
  codeThat(error, (code) => /CERT|_SIGNATURE$|^ERR_(SSL|TLS)_/.test(code));

/** The code of an error, or of what it wraps, of that kind; '' for anything else. */
function codeThat(error: unknown, isKind: (code: string) => boolean): string {
  const name = error instanceof Error ? error.name : '';
  // An error of a reply that is no HTTP has a name and no code.
  const code = [codeOf(error), name].find(isKind);
  if (code !== undefined) return code;
  return error instanceof Error && error.cause !== undefined ? codeThat(error.cause, isKind) : '';
}

/** Thrown for a body that is no whole answer: it is something else, or its end is missing. */
export class BrokenAnswer extends Error {
  readonly kind: 'invalid-response' | 'server-error';

  constructor(kind: BrokenAnswer['kind'], message: string) {
    super(message);
    this.name = 'BrokenAnswer';
    this.kind = kind;
  }
}

/** A server's text that says that memory ran out. */
export const outOfMemoryText =
  /out[ -]of[ -](device )?memory|(cuda|hip)malloc failed|failed to allocate|allocation failed|std::bad_alloc|cannot allocate memory|(not enough|insufficient) memory|outof(device)?memory|out_of_device_memory|requires (more system memory|.{1,200} but only .{1,200} available)/i;

/**
 * Texts that servers send with a status of 500, or in the middle of a stream, though the request is at fault:
 * llama-server for all that a template, a schema, or a part of a message makes it throw, as do vLLM, SGLang, LM Studio
 * and Ollama for some. None of them is said by a server that is ill, nor of what a model wrote ("failed to parse tool
 * call"), which may be another at the next try.
 */
const requestFaults: readonly RegExp[] = [
  // A chat template: Python's Jinja, llama.cpp's (`While executing CallExpression at line 47`, once `at row 19, column
  // 27:`), Go's.
  /jinja|raise_exception|\bTemplate(Syntax|Runtime)?Error\b|chat[ _]template|While executing \w{1,50} at line \d/i,
  /\bat row \d{1,6}, column \d{1,6}:|^template: /i,
  /\broles? must alternate|\broles? (are|is) (not )?supported|\brole (is )?not supported|\b(unknown|unsupported|invalid|unexpected) (message )?role\b|Expected last role/i,
  // Images, and what else a message may hold.
  /mmproj|\b(images?|audio|videos?|multimodal|vision)( inputs?| data)? (is|are) not supported|missing data required for image/i,
  /(failed|unable|can't|cannot|could not) (to )?(load|decode|read|process) (the )?(image|audio|video)|\b(invalid|unsupported) (image|audio|video)|image: unknown format|illegal base64/i,
  /does not support (image|audio|video|vision|multimodal|tool|function|thinking|reasoning|chat|completion|embedding|generate|insert|logprobs|grammar|structured)/i,
  // Grammars and schemas.
  /(failed|failure|error|unable|can't|cannot|could not) (to |while |in |when )?(pars|compil|convert|initiali[sz]|build)\w{0,9} .{0,60}\b(grammar|schema|regex|samplers?)\b/i,
  /JSON schema conversion failed|\b(invalid|unsupported|bad) (json[ _]?)?(schema|grammar|regex)\b|\b(schema|grammar|regex) (is|was) (invalid|not valid|not supported)/i,
  // Keys and messages, where a check throws.
  /\btools? .{0,40}requires? (the )?--|\b(unsupported|unknown|invalid) (param|parameter|tool_choice|response_format)\b|\bunsupported content\b/i,
  /must contain 'content'|\bfailed to parse (messages|tools)\b|assistant messages at the end|prefill is (incompatible|not supported)|\bonly one completion choice|\bBadRequestError\b/i,
];

/** Says whether a server's failure is the request's own fault, so that sending it again would be in vain. */
export const isRequestFault = (text: string): boolean => requestFaults.some((fault) => fault.test(text));

/** A page of HTML, which a proxy answers: its status says as much. */
export const isPage = (body: string): boolean => body.trimStart().startsWith('<');
