import { isBefore } from '../backends/ollama/http/versions.ts';
import { oldestVllm } from '../backends/vllm/find-python.ts';
import { formatBytes } from '../text/format.ts';
import type { SystemReport } from './examine.ts';
import type { OpenaiServer } from './find-openai.ts';
import { type Finding, finding } from './finding.ts';

/** Engines that could take a run now. */
export function usableEngines({ engines, ollama, embedded, openai, python }: SystemReport): string[] {
  const isThere: Record<string, boolean> = {
    'llama-cpp': embedded.version !== null,
    ollama: ollama.version !== null && ollama.failure === null,
    openai: openai.servers.some(({ failure }) => failure === null),
    vllm: python.vllmVersion !== null && !isBefore(python.vllmVersion, oldestVllm),
  };
  return engines.filter((name) => isThere[name] === true);
}

/** About the GPU, OpenAI-compatible servers, Python. */
export function engineFindings(examination: SystemReport): Finding[] {
  const { openai, ollama } = examination;
  return [
    ...gpuFindings(examination),
    ...openai.servers.flatMap((server) => serverFindings(server, ollama.url)),
    ...pythonFindings(examination),
  ];
}

function gpuFindings({ gpu: { gpus, failure }, ollama }: SystemReport): Finding[] {
  if (failure !== null) {
    const fix = 'mend the driver (nvidia-smi must list the GPU), then start the server again';
    return [finding('warning', `nvidia-smi fails, so no engine will see the GPU: ${failure}`, fix)];
  }
  if (gpus.length < 2 || !ollama.isLocal || ollama.version === null) return [];
  const text = `there are ${gpus.length} GPUs (${gpus.map(({ totalBytes }) => formatBytes(totalBytes)).join(', ')}): one Ollama server is seldom faster with several`;
  const fix = `a server for each of them, and a part of the input for each server:\nCUDA_VISIBLE_DEVICES=1 OLLAMA_HOST=127.0.0.1:11435 ollama serve`;
  return [finding('hint', text, fix)];
}

function serverFindings({ namedBy, url, kind, failure }: OpenaiServer, ollamaUrl: string | null): Finding[] {
  if (namedBy !== 'OPENAI_BASE_URL') return [];
  if (failure !== null) {
    const fix = 'OPENAI_BASE_URL=http://host:port/v1, and OPENAI_API_KEY where the server wants a key';
    return [finding('warning', `the server that OPENAI_BASE_URL names (${url}) can't be used: ${failure}`, fix)];
  }
  const isOllama = kind === 'library' || (ollamaUrl !== null && url.startsWith(`${ollamaUrl}/`));
  if (!isOllama) return [];
  const text = `OPENAI_BASE_URL names an Ollama server (${url}), which cuts long prompts in silence under /v1`;
  return [finding('warning', text, '-b ollama, with OLLAMA_HOST or --host for its address')];
}

function pythonFindings({ python: { command, namedBy, failure, vllmVersion } }: SystemReport): Finding[] {
  if (failure !== null && namedBy !== 'PATH') {
    const text = `the Python that ${namedBy} names can't be run (${command}): ${failure}`;
    return [finding('warning', text, `${namedBy}: the path of a Python that has vLLM, or nothing`)];
  }
  if (vllmVersion === null || !isBefore(vllmVersion, oldestVllm)) return [];
  const text = `vLLM ${vllmVersion} is too old: ${oldestVllm} is the first that can be used`;
  return [finding('warning', text, `${command} -m pip install -U vllm`)];
}
