// What the page asks the server for. Types are the parts of its answers that the page reads.

/** A Batch of the API. */
export interface Batch {
  id: string;
  endpoint: string;
  input_file_id: string;
  output_file_id?: string | null;
  error_file_id?: string | null;
  status: string;
  created_at: number;
  in_progress_at?: number | null;
  completed_at?: number | null;
  failed_at?: number | null;
  expired_at?: number | null;
  cancelled_at?: number | null;
  request_counts?: { total: number; completed: number; failed: number } | null;
  errors?: { data?: { code: string; message: string; line: number | null }[] } | null;
  model?: string | null;
  metadata: Record<string, string> | null;
  llmbatch: {
    state: 'waiting' | 'running' | 'paused' | 'over';
    priority: number;
    position: number | null;
    paused: Pause | null;
    problem: string | null;
    progress: LiveNumbers | null;
  };
}

interface Pause {
  by: string;
  since: string;
}

/** The part of the one object of `--progress json` that the page shows. */
export interface LiveNumbers {
  total: number | null;
  done: number;
  succeeded: number;
  failed: number;
  in_flight: number;
  workers: number;
  recent_rate: number | null;
  overall_rate: number | null;
  recent_generation_rate: number | null;
  overall_generation_rate: number | null;
  recent_prompt_rate: number | null;
  overall_prompt_rate: number | null;
  tokens: { cache_hit_rate: number | null };
  eta: { seconds: number; low: number; high: number } | null;
  failures: { kind: string; count: number; message: string; ids: string[] }[];
  gpus: { used_bytes: number | null; total_bytes: number | null }[] | null;
  gpu_peak_bytes: number | null;
  model_memory: { vram_bytes: number } | null;
}

/** `GET /v1/queue`. */
export interface Queue {
  running: string | null;
  waiting: string[];
  loaded_model: string | null;
  paused: Pause | null;
  problem: string | null;
  /** The first batches that go on, in the order in which they are run, and how many there are. */
  data: Batch[];
  total: number;
}

export interface BatchList {
  data: Batch[];
  has_more: boolean;
}

/** The server asks for its key. */
export class LoginNeeded extends Error {}

/** The server answered with an error; its message is for the reader of the page. */
export class Refusal extends Error {}

/** Milliseconds after which a server that says nothing is taken for gone. */
const answerMs = 15_000;

/** Asks the server. Throws a `LoginNeeded`, a `Refusal`, or what `fetch` throws where nobody answers. */
export async function ask<T>(path: string, method: 'GET' | 'POST' = 'GET'): Promise<T> {
  const response = await fetch(path, { method, signal: AbortSignal.timeout(answerMs) });
  if (response.status === 401) throw new LoginNeeded();
  const answer: unknown = await response.json();
  if (!response.ok) {
    const { error } = answer as { error?: { message?: string } };
    throw new Refusal(error?.message ?? `the server answered ${response.status}`);
  }
  return answer as T;
}

/** Where the bytes of a file are. */
export const contentPath = (fileId: string): string => `/v1/files/${encodeURIComponent(fileId)}/content`;
