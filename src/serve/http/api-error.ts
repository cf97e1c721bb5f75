/** A refusal in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;

  constructor(
    status: number,
    message: string,
    { code = null, param = null }: { code?: string | null; param?: string | null } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.param = param;
  }

  /** As OpenAI names the kinds. */
  get type(): string {
    if (this.status === 401) return 'authentication_error';
    return this.status >= 500 ? 'server_error' : 'invalid_request_error';
  }
}
