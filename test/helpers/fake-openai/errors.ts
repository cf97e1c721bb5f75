/** What servers say, each in its own shape. Sources: their code and their documentation; vLLM, llama-server, Ollama: as seen. */
export interface ErrorPage {
  status: number;
  body: string;
  headers?: Record<string, string>;
}

const page = (status: number, body: unknown, headers: Record<string, string> = {}): ErrorPage => ({
  status,
  body: JSON.stringify(body),
  headers,
});

const openaiError = (message: string, code: string | null, type = 'invalid_request_error') => ({
  error: { message, type, param: null, code },
});

const pages = {
  'rate-limited': page(429, openaiError('Rate limit reached for requests', 'rate_limit_exceeded', 'requests'), {
    'Retry-After': '1',
  }),
  quota: page(
    429,
    openaiError('You exceeded your current quota, please check your plan.', 'insufficient_quota', 'insufficient_quota'),
  ),
  overloaded: page(503, { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }),
  'server-error': page(500, openaiError('The server had an error', null, 'server_error')),
  'out-of-memory': page(500, {
    error: { message: 'CUDA out of memory. Tried to allocate 2.00 GiB', type: 'InternalServerError', code: 500 },
  }),
  'engine-dead': page(500, {
    error: {
      message: 'EngineCore encountered an issue. See stack trace (above) for the root cause.',
      type: 'InternalServerError',
      code: 500,
    },
  }),
  'context-vllm': page(400, {
    error: {
      message:
        "This model's maximum context length is 1024 tokens. However, your prompt contains at least 1025 input tokens, please reduce it. (parameter=input_tokens, value=1025)",
      type: 'BadRequestError',
      param: 'input_tokens',
      code: 400,
    },
  }),
  'context-vllm-answer': page(400, {
    error: {
      message:
        "'max_tokens' or 'max_completion_tokens' is too large: 100. This model's maximum context length is 1024 tokens and your request has 1000 input tokens (100 > 1024 - 1000).",
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
  }),
  'context-llama-server': page(400, {
    error: {
      code: 400,
      message: 'request (4185 tokens) exceeds the available context size (2048 tokens), try increasing it',
      type: 'exceed_context_size_error',
      n_prompt_tokens: 4185,
      n_ctx: 2048,
    },
  }),
  'context-openai': page(
    400,
    openaiError(
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. Please reduce the length of the messages.",
      'context_length_exceeded',
    ),
  ),
  'context-openai-answer': page(
    400,
    openaiError(
      "This model's maximum context length is 4097 tokens. However, you requested 5005 tokens (4005 in the messages, 1000 in the completion).",
      'context_length_exceeded',
    ),
  ),
  'context-sglang': page(400, {
    object: 'error',
    message: "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
    type: 'BadRequestError',
    code: 400,
  }),
  'context-ollama': page(400, {
    error: {
      message: 'the prompt is longer than the context length currently available to the model',
      type: 'invalid_request_error',
      param: null,
      code: null,
    },
  }),
  'content-filter': page(400, {
    error: {
      message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
      type: null,
      param: 'prompt',
      code: 'content_filter',
      status: 400,
    },
  }),
  unauthorized: page(401, openaiError('Incorrect API key provided', 'invalid_api_key')),
  forbidden: page(403, openaiError('You are not allowed to sample from this model', null)),
  'model-gone': page(404, {
    error: { message: 'The model `tiny-scorer` does not exist.', type: 'NotFoundError', param: 'model', code: 404 },
  }),
  'path-gone': page(404, { detail: 'Not Found' }),
  'bad-key': page(400, {
    error: { message: 'unknown field "flavour"', type: 'BadRequestError', param: null, code: 400 },
  }),
  'too-large': page(413, { detail: 'Request Entity Too Large' }),
  'no-stream': page(422, { detail: [{ loc: ['body', 'stream_options'], msg: 'Extra inputs are not permitted' }] }),
  'timed-out': page(408, openaiError('Request timed out', null)),
  gateway: {
    status: 502,
    body: '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>502</body>\r\n</html>\r\n',
    headers: { 'Content-Type': 'text/html' },
  },
  'gateway-timeout': {
    status: 504,
    body: '<html>504 Gateway Time-out</html>',
    headers: { 'Content-Type': 'text/html' },
  },
  moved: { status: 307, body: '', headers: { Location: 'http://127.0.0.1:9/v1/chat/completions?key=secret' } },
} satisfies Record<string, ErrorPage>;

export type ErrorPageName = keyof typeof pages;
export const errorPages: Record<ErrorPageName, ErrorPage> = pages;
export const isErrorPage = (name: string): name is ErrorPageName => name in pages;
