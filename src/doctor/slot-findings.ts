import { formatBytes, formatInteger } from '../text/format.ts';
import type { SystemReport } from './examine.ts';
import { type Finding, finding, settingFinding } from './finding.ts';
import { type OllamaModel, findNamed } from './ollama-models.ts';
import type { SlotProbe } from './probe-ollama.ts';

/** About how many requests the Ollama server works on at once. */
export function slotFindings(examination: SystemReport): Finding[] {
  const { probe, models } = examination.ollama;
  return [...(probe === null ? [] : probeFindings(probe, examination)), ...lockedFindings(models)];
}

function probeFindings(probe: SlotProbe, examination: SystemReport): Finding[] {
  const { settings } = examination.ollama;
  if (probe.failure !== null) return [failedProbe(probe, probe.failure, examination)];
  if (probe.slots === null || probe.foundBy === 'architecture') return [];
  const told = Number(settings?.values.OLLAMA_NUM_PARALLEL ?? 0);
  if (probe.slots < Math.min(told, probe.width)) {
    const text = `the probe saw ${probe.slots} of the ${told} slots that OLLAMA_NUM_PARALLEL asks for: the server is busy, or has no memory for more`;
    return [finding('hint', text, 'llmbatch doctor again, when the server has nothing else to do')];
  }
  return probe.slots === 1 ? [oneSlot(probe, examination)] : [];
}

function failedProbe(
  { model }: SlotProbe,
  { kind, text, hint }: NonNullable<SlotProbe['failure']>,
  { asked }: SystemReport,
): Finding {
  const fix = hint ?? "The server's log says more (journalctl -u ollama, or ~/.ollama/logs/server.log).";
  const level = asked.model === null ? 'warning' : 'error';
  if (kind === 'model-not-found') return finding(level, text, fix);
  return finding(level, `the server could not be probed with ${model}: ${text.replace(/\.$/, '')}`, fix);
}

/** More slots than that seldom pay without a measurement. */
const maxAdvised = 4;
/** Of the free memory, what may be spent on it. */
const spendable = 0.8;

function oneSlot({ model: name }: SlotProbe, examination: SystemReport): Finding {
  const model = findNamed(examination.ollama.models, name);
  const room = model === null ? null : roomFor(model, examination);
  const text = 'the server works on one request at a time: others only wait';
  if (room === null) {
    const unknown = `${text}; how much memory there is for more can't be seen from here`;
    return settingFinding('warning', unknown, { name: 'OLLAMA_NUM_PARALLEL', value: String(maxAdvised) });
  }
  const { slotBytes, freeBytes, place, contextTokens, kvBytesPerToken, upTo } = room;
  const each = `${upTo}${formatBytes(kvBytesPerToken)} of KV cache a token`;
  const more = Math.min(maxAdvised - 1, Math.floor((freeBytes * spendable) / slotBytes));
  if (more === 0) {
    const full = `${text}; another slot of ${formatInteger(contextTokens)} tokens would take ${upTo}${formatBytes(slotBytes)} (estimated: ${each}), and ${formatBytes(freeBytes)} of ${place} is free`;
    return finding('hint', full, '--option num_ctx= with a smaller window, or a smaller quantisation of the model');
  }
  const slots = more === 1 ? 'one more slot' : `${more} more slots`;
  const numbers = `${slots} of ${formatInteger(contextTokens)} tokens would take ${upTo}${formatBytes(more * slotBytes)} (estimated: ${each}), and ${formatBytes(freeBytes)} of ${place} is free`;
  return settingFinding('warning', `${text}; ${numbers}`, { name: 'OLLAMA_NUM_PARALLEL', value: String(more + 1) });
}

/** Where the model lies, how much is free there, and what the KV cache of another slot would take. */
function roomFor({ loaded }: OllamaModel, { ollama, gpu, llmbatch }: SystemReport) {
  if (!ollama.isLocal || loaded === null) return null;
  const { contextTokens, kvBytesPerToken, vramBytes, bytes, hasSlidingWindow } = loaded;
  if (contextTokens === null || kvBytesPerToken === null) return null;
  const upTo = hasSlidingWindow ? 'up to ' : '';
  const slot = { slotBytes: contextTokens * kvBytesPerToken, contextTokens, kvBytesPerToken, upTo };
  if (vramBytes === 0) return { ...slot, freeBytes: llmbatch.freeMemoryBytes, place: 'RAM' };
  // What does not fit as it is has no room for more.
  if (vramBytes < bytes) return { ...slot, freeBytes: 0, place: 'GPU memory' };
  const free = gpu.gpus.map(({ freeBytes }) => freeBytes).filter((value) => value !== null);
  if (free.length === 0) return null;
  return { ...slot, freeBytes: free.reduce((sum, value) => sum + value, 0), place: 'GPU memory' };
}

function lockedFindings(models: readonly OllamaModel[]): Finding[] {
  const locked = models.filter(({ hasOneSlot }) => hasOneSlot);
  if (locked.length === 0) return [];
  const names = locked.map(({ name, family }) => (family === null ? name : `${name} (${family})`)).join(', ');
  const text = `the server works on one request at a time for ${names}, whatever OLLAMA_NUM_PARALLEL says: their architecture is locked to one slot`;
  return [finding('hint', text, 'a model of another architecture for many requests:\nollama pull gemma3:4b')];
}
