import { formatBytes, formatInteger } from '../text/format.ts';
import { oldestVllm } from '../backends/vllm/find-python.ts';
import type { SystemReport } from './examine.ts';
import type { Gpu } from '../machine/find-gpus.ts';
import type { OpenaiServer } from './find-openai.ts';
import { ollamaRows } from './ollama-rows.ts';
import { isBefore } from '../backends/ollama/http/versions.ts';

export type Row = [label: string, text: string];

/** What was found, engine by engine. */
export function engineRows(examination: SystemReport): Row[] {
  const { version } = examination.embedded;
  return [
    ...gpuRows(examination),
    ...ollamaRows(examination),
    ['llama-cpp', version === null ? 'not installed: npm install node-llama-cpp' : `node-llama-cpp ${version}`],
    ...openaiRows(examination),
    ['vllm', pythonText(examination)],
  ];
}

const unusedBy = (name: string, { engines }: SystemReport): string =>
  engines.includes(name) ? '' : ' (this llmbatch has no engine for it)';

function gpuRows({ gpu: { gpus, failure } }: SystemReport): Row[] {
  if (failure !== null) return [['GPU', `n/a: ${failure}`]];
  if (gpus.length === 0) return [['GPU', 'none found (nvidia-smi is not there)']];
  return gpus.map((gpu, index) => [index === 0 ? 'GPU' : '', gpuText(gpu)]);
}

const gpuText = ({ name, driver, totalBytes, freeBytes }: Gpu): string =>
  `${name}, ${formatBytes(totalBytes)}, ${formatBytes(freeBytes)} free; driver ${driver}`;

function openaiRows(examination: SystemReport): Row[] {
  const { isBaseUrlSet, ports, servers } = examination.openai;
  const rows = servers.map((server, index): Row => {
    const text = `${serverText(server)}${server.failure === null ? unusedBy('openai', examination) : ''}`;
    return [index === 0 ? 'openai' : '', text];
  });
  if (rows.length > 0) return rows;
  const base = isBaseUrlSet ? '' : 'at OPENAI_BASE_URL (not set) nor ';
  return [['openai', `nothing ${base}at ports ${ports.join(', ')} of this machine`]];
}

const maxNames = 3;

function serverText({ url, namedBy, kind, models, failure }: OpenaiServer): string {
  const place = namedBy === 'port' ? url : `${url} (OPENAI_BASE_URL)`;
  if (failure !== null) return `${place}: ${failure}`;
  const names = models.slice(0, maxNames).map(({ name, contextTokens }) => {
    return contextTokens === null ? name : `${name} (${formatInteger(contextTokens)} tokens)`;
  });
  const others = models.length > maxNames ? ` and ${models.length - maxNames} more` : '';
  return `${place}${kind === null ? '' : `, ${kind}`}: ${names.join(', ') || 'no model'}${others}`;
}

function pythonText(examination: SystemReport): string {
  const { command, version, vllmVersion, failure } = examination.python;
  if (version === null) return `no Python: ${command}: ${failure}`;
  const python = `${command} (${version})`;
  if (vllmVersion === null) return `no vLLM in ${python}: pip install vllm`;
  const isOld = isBefore(vllmVersion, oldestVllm);
  const note = isOld ? `, too old: ${oldestVllm} is needed` : unusedBy('vllm', examination);
  return `vLLM ${vllmVersion} in ${python}${note}`;
}
