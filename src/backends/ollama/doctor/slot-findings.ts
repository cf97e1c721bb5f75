import { type Finding, finding, settingFinding } from '../../../core/doctor/finding.ts';
import { formatBytes, formatInteger } from '../../../text/format.ts';
import type { FindingContext } from './find-ollama.ts';
import { type InstalledModel, findNamed } from './installed-models.ts';
import type { SlotProbe } from './probe.ts';

/** Findings about how many requests the Ollama server works on at once. */
export function slotFindings(context: FindingContext): Finding[] {
  const { probe, models } = context.ollama;
  return [...(probe === null ? [] : probeFindings(probe, context)), ...lockedFindings(models)];
}

function probeFindings(probe: SlotProbe, context: FindingContext): Finding[] {
  const { settings } = context.ollama;
  if (probe.failure !== null) return [failedProbe(probe, probe.failure, context)];
  if (probe.slots === null || probe.foundBy === 'architecture') return [];
  const configured = Number(settings?.values.OLLAMA_NUM_PARALLEL ?? 0);
  if (probe.slots < Math.min(configured, probe.width)) {
    const text = `the probe saw ${probe.slots} of the ${configured} slots that OLLAMA_NUM_PARALLEL asks for: the server is busy, or has no memory for more`;
    const fix = 'llmbatch doctor again, when the server has nothing else to do';
    return [finding('hint', 'ollama-fewer-slots', text, fix)];
  }
  return probe.slots === 1 ? [oneSlot(probe, context)] : [];
}

function failedProbe(
  { model }: SlotProbe,
  { kind, text, hint }: NonNullable<SlotProbe['failure']>,
  { asked }: FindingContext,
): Finding {
  const fix = hint ?? "See the server's log (journalctl -u ollama, or ~/.ollama/logs/server.log).";
  const level = asked.model === null ? 'warning' : 'error';
  if (kind === 'model-not-found') return finding(level, 'ollama-model-not-found', text, fix);
  return finding(
    level,
    'ollama-probe-failed',
    `the server could not be probed with ${model}: ${text.replace(/\.$/, '')}`,
    fix,
  );
}

/** Slots that are advised at most: more seldom pay without a measurement. */
const maxAdvised = 4;
/** Share of the free memory that may be spent on slots. */
const spendable = 0.8;

function oneSlot({ model: name }: SlotProbe, context: FindingContext): Finding {
  const model = findNamed(context.ollama.models, name);
  const room = model === null ? null : roomFor(model, context);
  const text = 'the server works on one request at a time: others only wait';
  if (room === null) {
    const unknown = `${text}; how much memory there is for more can't be seen from here`;
    return settingFinding('warning', 'ollama-one-slot', unknown, {
      name: 'OLLAMA_NUM_PARALLEL',
      value: String(maxAdvised),
    });
  }
  const { slotBytes, freeBytes, place, contextTokens, kvBytesPerToken, upTo } = room;
  const each = `${upTo}${formatBytes(kvBytesPerToken)} of KV cache a token`;
  const more = Math.min(maxAdvised - 1, Math.floor((freeBytes * spendable) / slotBytes));
  if (more === 0) {
    const full = `${text}; another slot of ${formatInteger(contextTokens)} tokens would take ${upTo}${formatBytes(slotBytes)} (estimated: ${each}), and ${formatBytes(freeBytes)} of ${place} is free`;
    return finding(
      'hint',
      'ollama-one-slot-full',
      full,
      '--option num_ctx= with a smaller window, or a smaller quantisation of the model',
    );
  }
  const slots = more === 1 ? 'one more slot' : `${more} more slots`;
  const numbers = `${slots} of ${formatInteger(contextTokens)} tokens would take ${upTo}${formatBytes(more * slotBytes)} (estimated: ${each}), and ${formatBytes(freeBytes)} of ${place} is free`;
  const setting = { name: 'OLLAMA_NUM_PARALLEL', value: String(more + 1) };
  if (place === 'RAM' && context.machine.gpu.gpus.length === 0) {
    const onCpu = `${text}; on a CPU more slots are often not faster, which llmbatch bench measures. ${numbers}`;
    return settingFinding('hint', 'ollama-one-slot', onCpu, setting);
  }
  return settingFinding('warning', 'ollama-one-slot', `${text}; ${numbers}`, setting);
}

/** Where the model lies, how much is free there, and what the KV cache of another slot would take; null where that can't be seen. */
function roomFor({ loaded }: InstalledModel, { ollama, machine }: FindingContext) {
  if (!ollama.isLocal || loaded === null) return null;
  const { contextTokens, kvBytesPerToken, vramBytes, bytes, hasSlidingWindow } = loaded;
  if (contextTokens === null || kvBytesPerToken === null) return null;
  const upTo = hasSlidingWindow ? 'up to ' : '';
  const slot = { slotBytes: contextTokens * kvBytesPerToken, contextTokens, kvBytesPerToken, upTo };
  if (vramBytes === 0) return { ...slot, freeBytes: machine.freeMemoryBytes, place: 'RAM' };
  // A model that does not fit into the GPU's memory has no room there for more.
  if (vramBytes < bytes) return { ...slot, freeBytes: 0, place: 'GPU memory' };
  const free = machine.gpu.gpus.map(({ freeBytes }) => freeBytes).filter((value) => value !== null);
  if (free.length === 0) return null;
  return { ...slot, freeBytes: free.reduce((sum, value) => sum + value, 0), place: 'GPU memory' };
}

function lockedFindings(models: readonly InstalledModel[]): Finding[] {
  const locked = models.filter(({ hasOneSlot }) => hasOneSlot);
  if (locked.length === 0) return [];
  const names = locked.map(({ name, family }) => (family === null ? name : `${name} (${family})`)).join(', ');
  const text = `the server works on one request at a time for ${names}, no matter what OLLAMA_NUM_PARALLEL is set to: their architecture is locked to one slot`;
  const fix = 'a model of another architecture for many requests:\nollama pull gemma3:4b';
  return [finding('hint', 'ollama-one-slot-architecture', text, fix)];
}
