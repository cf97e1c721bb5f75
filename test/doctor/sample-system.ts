import type { FindingContext, OllamaSearch } from '../../src/backends/ollama/doctor/find-ollama.ts';
import { type ExaminedPackage, examinedPackage } from '../../src/backends/llama-cpp/doctor.ts';
import { examinedOllama } from '../../src/backends/ollama/doctor/examine.ts';
import { type OpenaiSearch, examinedServers } from '../../src/backends/openai/doctor.ts';
import { examinedPython } from '../../src/backends/vllm/doctor.ts';
import type { PythonSearch } from '../../src/backends/vllm/find-python.ts';
import type { GpuSearch } from '../../src/core/doctor/examination.ts';
import type { SystemReport } from '../../src/doctor/examine-system.ts';
import * as ollama from '../backends/ollama/doctor/sample-search.ts';

interface Changes {
  asked?: Partial<FindingContext['asked']>;
  /** What the command line named, and who serves the model. */
  search?: Partial<Pick<SystemReport, 'flags' | 'named' | 'search'>>;
  gpu?: Partial<GpuSearch>;
  ollama?: Partial<OllamaSearch>;
  embedded?: string | null;
  /** GGUF files at hand. */
  files?: string[];
  openai?: Partial<OpenaiSearch>;
  python?: Partial<PythonSearch>;
}

/** A machine with one GPU and an Ollama server on it, of which there is nothing to say. */
export const system = (changes: Changes = {}): SystemReport => systemOf(ollama.examined(changes), changes);

/** A machine without any engine. */
export const bareSystem = (changes: Changes = {}): SystemReport =>
  systemOf(ollama.withoutOllama(changes), { embedded: null, ...changes });

function packageOf(version: string | null): ExaminedPackage | null {
  if (version === null) return null;
  const builds = { isCheckout: false, hasCuda: true, hasVulkan: true, renderDevice: null, version };
  const auto = { server: null, why: 'no llama-server is on the PATH or in an Ollama', form: 'library' } as const;
  return { version, device: 'CUDA', hasOpenmp: false, auto, builds, model: null };
}

function systemOf(examined: FindingContext, changes: Changes): SystemReport {
  const { embedded = '3.22.1', openai, python } = changes;
  const servers = { isBaseUrlSet: false, ports: [8000, 8080], servers: [], ...openai };
  const ownPython = {
    command: 'python3',
    namedBy: 'PATH',
    version: '3.11.7',
    vllmVersion: null,
    failure: null,
  } as const;
  return {
    llmbatch: {
      version: '0.1.0',
      node: '20.20.2',
      platform: 'linux',
      architecture: 'x64',
      freeMemoryBytes: examined.machine.freeMemoryBytes,
    },
    asked: examined.asked,
    flags: { server: [], option: [] },
    named: [],
    search: null,
    ...changes.search,
    engines: ['llama-cpp', 'mock', 'ollama', 'openai', 'vllm'],
    probed: [
      {
        name: 'ollama',
        exampleModel: 'gemma3:4b',
        install: 'Ollama (https://ollama.com/download)',
        // An engine is not asked for a model that the search did not find there.
        engine: examinedOllama(examined.ollama, { ...examined.asked, ...(changes.search && { model: null }) }),
      },
    ],
    gpu: examined.machine.gpu,
    others: [
      {
        name: 'llama-cpp',
        exampleModel: 'x.gguf',
        install: 'npm install node-llama-cpp',
        engine: examinedPackage(packageOf(embedded), changes.files),
      },
      { name: 'openai', install: null, engine: examinedServers(servers, { otherServers: [], model: null }) },
      { name: 'vllm', install: null, engine: examinedPython({ ...ownPython, ...python }) },
    ],
  };
}
