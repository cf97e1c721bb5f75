import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A real vLLM: a Python that has it, and a folder with the model tiny-scorer for it. Null where none is named. */
export interface RealVllm {
  python: string;
  model: string;
  /** Flags of `run`, the same for each test; the engine's options suit a CPU with two cores. */
  flags: string[];
  environment: Record<string, string>;
}

/** On two cores one thread without binding is twice as fast as vLLM's default. */
const environment = {
  VLLM_CPU_KVCACHE_SPACE: '1',
  VLLM_CPU_OMP_THREADS_BIND: 'nobind',
  OMP_NUM_THREADS: '1',
  HF_HUB_OFFLINE: '1',
};
export const vllmOptions = {
  dtype: 'float32',
  enforce_eager: true,
  max_model_len: 1024,
  max_num_seqs: 64,
  block_size: 32,
};

function findVllm({ LLMBATCH_PYTHON: python, LLMBATCH_TEST_VLLM_MODEL: folder }: NodeJS.ProcessEnv): RealVllm | null {
  if (!python || !folder) return null;
  const model = resolve(folder);
  const options = Object.entries(vllmOptions).flatMap(([name, value]) => ['--option', `${name}=${value}`]);
  return { python, model, flags: ['-b', 'vllm', '-m', model, '--python', python, ...options], environment };
}

export const realVllm = findVllm(process.env);
/** A folder with the real models (`shared/models/fetch.sh`). Null where none is named. */
export const realModels = process.env['LLMBATCH_TEST_MODELS'] ?? null;
export const realOllama = process.env['LLMBATCH_TEST_OLLAMA'] ?? null;

export const candidatesFile = fileURLToPath(new URL('../../fixtures/candidates.jsonl', import.meta.url));
export const candidateLines = (): string[] => readFileSync(candidatesFile, 'utf8').trim().split('\n');
