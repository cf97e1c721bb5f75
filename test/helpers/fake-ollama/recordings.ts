import { readFileSync } from 'node:fs';

/** One exchange with a real server; `response.chunks` joined are the body. */
export interface RecordedExchange {
  request: { method: string; path: string; headers?: Record<string, string>; body?: unknown; rawBody?: string };
  response: {
    status: number;
    statusText: string;
    headers: Record<string, string>;
    chunks: { data: string }[];
  };
}

export function recordedExchanges(name: string): RecordedExchange[] {
  const file = new URL(`../../../fixtures/responses/ollama/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { exchanges: RecordedExchange[] }).exchanges;
}

export const bodyOf = ({ response }: RecordedExchange): string => response.chunks.map((chunk) => chunk.data).join('');
