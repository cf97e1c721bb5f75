import { freemem } from 'node:os';
import { backends } from '../backends/index.ts';
import { version } from '../core/version.ts';
import { type EmbeddedEngine, findEmbedded } from './find-embedded.ts';
import { type GpuSearch, findGpus } from '../machine/find-gpus.ts';
import { type OllamaRequest, type OllamaSearch, findOllama } from './find-ollama.ts';
import { type OpenaiSearch, findOpenai } from './find-openai.ts';
import { type PythonSearch, findPython } from '../backends/vllm/find-python.ts';

/** What there is to run a batch with, as seen. Null and n/a: not seen, not measured. */
export interface SystemReport {
  llmbatch: { version: string; node: string; platform: string; architecture: string; freeMemoryBytes: number };
  /** What the user named on the command line. */
  asked: { host: string | null; model: string | null };
  /** Engines that this llmbatch has. */
  engines: string[];
  gpu: GpuSearch;
  ollama: OllamaSearch;
  embedded: EmbeddedEngine;
  openai: OpenaiSearch;
  python: PythonSearch;
}

/** Looks at everything; a probe of the Ollama server takes seconds, and says so by `onNotice`. */
export async function examine(request: OllamaRequest): Promise<SystemReport> {
  const { host, model, environment } = request;
  const [ollama, embedded, python] = await Promise.all([
    findOllama(request),
    findEmbedded(),
    findPython({ connection: {}, environment }),
  ]);
  // After the probe: what it loaded takes memory.
  const [gpu, openai] = await Promise.all([
    findGpus(environment),
    findOpenai(environment, { ollamaUrl: ollama.url ?? '' }),
  ]);
  return {
    llmbatch: {
      version,
      node: process.versions.node,
      platform: process.platform,
      architecture: process.arch,
      freeMemoryBytes: freemem(),
    },
    asked: { host, model },
    engines: backends.map(({ name }) => name),
    gpu,
    ollama,
    embedded,
    openai,
    python,
  };
}
