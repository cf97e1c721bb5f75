import { readFileSync } from 'node:fs';

/** One exchange with a real server. */
export interface RecordedExchange {
  /** A `body` that is a string names another exchange, or the candidate asked for; a `rawBody` went as it is. */
  request: { method: string; path: string; body?: unknown; rawBody?: string };
  response: { status: number; headers: Record<string, string>; body: string; linesOmitted?: number };
}

export function recordedExchanges(name: string): RecordedExchange[] {
  const file = new URL(`../../../fixtures/responses/ollama/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { exchanges: RecordedExchange[] }).exchanges;
}

const bodyOf = ({ response }: RecordedExchange): string => response.body;

/** The first answer of a recording. */
export function recordedBody(name: string): unknown {
  const [exchange] = recordedExchanges(name);
  if (exchange === undefined) throw new Error(`the recording ${name} is empty`);
  return JSON.parse(bodyOf(exchange));
}
