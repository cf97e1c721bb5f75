import type { ServerResponse } from 'node:http';
import { type FakeOllamaRequest, jsonType, send } from './exchange.ts';
import { goJson } from './go-json.ts';

/** Faults instead of an answer. */
type WholeFault =
  /** 503, the queue is full. */
  | 'busy'
  /** 500, out of memory while loading; everything loaded is let go. */
  | 'oom'
  /** 500, llama-server ends at once. */
  | 'load-failed'
  /** Never answers. */
  | 'hang'
  /** 200 with an empty body. */
  | 'empty'
  /** A proxy's 502 page. */
  | 'html'
  /** 429 with `Retry-After: 1`. */
  | 'retry-after';

/** Faults within an answer, after its first tokens where nothing else is said. */
export type AnswerFault =
  /** llama-server dies: an error line and a clean end (500 without a stream); 500 for all that wait; a load next. */
  | 'runner-killed'
  /** The same, and the texts quote another request's context failure. */
  | 'stale-text'
  /** The same before the first token: a 500 with that text. */
  | 'stale-text-early'
  /** Equal tokens until the repeat guard ends the stream without its last line. */
  | 'no-done'
  /** The stream just ends, without its last line. */
  | 'no-done-plain'
  /** A line with `done: false`, and the end. */
  | 'done-false'
  /** A line of broken JSON; then the rest, as if nothing had been. */
  | 'garbled'
  /** The prompt was cut in silence: a wrong answer, and a `prompt_eval_count` of num_ctx / 2 + 3. */
  | 'cut-prompt'
  /** The connection breaks (RST), or is closed (FIN). */
  | 'reset'
  | 'closed'
  /** Nothing more comes. */
  | 'stall';

export type FaultName = WholeFault | AnswerFault;

/** Which fault a request gets. `attempt`: how often the same request (path and body) came before. */
export type FaultPlan = (request: FakeOllamaRequest, attempt: number) => FaultName | null;

const htmlPage = '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>502 Bad Gateway</body>\r\n</html>\r\n';

type Page = { status: number; type: string; text: string } | null;

const errorPage = (status: number, error: string): Page => ({ status, type: jsonType, text: goJson({ error }) });

export const busyText = 'server busy, please try again.  maximum pending requests exceeded';

const pages: Record<WholeFault, Page> = {
  busy: errorPage(503, busyText),
  oom: errorPage(500, 'llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory'),
  'load-failed': errorPage(500, 'llama-server process has terminated: exit status 1'),
  hang: null,
  empty: { status: 200, type: 'application/x-ndjson', text: '' },
  html: { status: 502, type: 'text/html', text: htmlPage },
  'retry-after': errorPage(429, 'too many requests'),
};

export const isWholeFault = (fault: FaultName): fault is WholeFault => fault in pages;

export function sendFault(response: ServerResponse, fault: WholeFault): void {
  if (fault === 'retry-after') response.setHeader('Retry-After', '1');
  const page = pages[fault];
  if (page !== null) send(response, page.status, page);
}

/** What a request with too long a prompt left behind. */
export const staleError = 'request (4185 tokens) exceeds the available context size (2048 tokens), try increasing it';
