import { type Failure, failure, noUsage } from '../../core/completion.ts';
import { codeOf } from '../../core/errors.ts';

/** Codes of a connection that broke, or was never made: the system's, those of undici's parser, and undici's own but for wrong use of it. */
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

/** The failure of a request whose connection broke, or was never made, with this code. */
export function connectionFailure(code: string, message: string): Failure {
  const failed = failure('connection', message);
  return neverMade.has(code) ? { ...failed, usage: noUsage } : failed;
}

/** A certificate that is none of a known authority's, or of another name; no TLS at the other end. */
export const insecureCode = (error: unknown): string =>
  codeThat(error, (code) => /CERT|_SIGNATURE$|^ERR_(SSL|TLS)_/.test(code));

/** The code of an error, or of what it wraps, of that kind; '' for anything else. */
function codeThat(error: unknown, isKind: (code: string) => boolean): string {
  const name = error instanceof Error ? error.name : '';
  // What is no HTTP at all has a name only.
  const code = [codeOf(error), name].find(isKind);
  if (code !== undefined) return code;
  return error instanceof Error && error.cause !== undefined ? codeThat(error.cause, isKind) : '';
}
