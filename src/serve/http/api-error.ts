/** What an error has beside its message. */
interface ApiErrorDetails {
  code?: string | null;
  /** The parameter of the request that is wrong. */
  param?: string | null;
  /** Headers that the status asks for, such as `Allow`. */
  headers?: Readonly<Record<string, string>>;
}

/** A refusal in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, { code = null, param = null, headers = {} }: ApiErrorDetails = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.param = param;
    this.headers = headers;
  }

  /** As OpenAI names the kinds. */
  get type(): string {
    if (this.status === 401) return 'authentication_error';
    return this.status >= 500 ? 'server_error' : 'invalid_request_error';
  }

  /** The error as it goes to the client. */
  toWire(): { error: { message: string; type: string; param: string | null; code: string | null } } {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }
}
