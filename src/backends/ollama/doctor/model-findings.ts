import { type Finding, finding, settingFinding } from '../../../core/doctor/finding.ts';
import { isBefore } from '../../../text/versions.ts';
import { formatBytes, formatInteger, formatPercent } from '../../../text/format.ts';
import { isSwitchedOn } from '../../http/is-switched-on.ts';
import type { FindingContext, OllamaSearch } from './find-ollama.ts';
import type { InstalledModel, LoadedState } from './installed-models.ts';
import type { ServerSettings } from './server-settings.ts';

/** Findings about the models of the Ollama server, and the memory that they take. */
export function modelFindings(context: FindingContext): Finding[] {
  const { ollama } = context;
  if (ollama.version === null || ollama.failure !== null) return [];
  const loaded = ollama.models.flatMap((model) => (model.loaded === null ? [] : [{ model, state: model.loaded }]));
  return [
    ...noModel(context),
    ...loaded.flatMap(({ model, state }) => [...offload(model, state, context), ...wideWindow(model, state)]),
    ...unevenHeads(ollama),
    ...flashAttention(ollama.settings),
    ...slidingWindow(ollama),
    ...defaultWindow(context),
  ];
}

function noModel({ ollama: { models } }: FindingContext): Finding[] {
  if (models.length > 0) return [];
  return [finding('warning', 'ollama-no-model', 'the Ollama server has no model', 'ollama pull gemma3:4b')];
}

function offload({ name }: InstalledModel, state: LoadedState, { ollama, machine }: FindingContext): Finding[] {
  const { bytes, vramBytes } = state;
  if (vramBytes >= bytes) return [];
  if (vramBytes > 0) {
    const share = formatPercent(1 - vramBytes / bytes);
    const text = `${share} of ${name} (${formatBytes(bytes - vramBytes)} of ${formatBytes(bytes)}) is outside the GPU's memory, which makes it many times slower`;
    return [finding('warning', 'ollama-partly-on-cpu', text, smallerWindow(state, ollama.probe?.slots ?? null))];
  }
  if (!ollama.isLocal || machine.gpu.gpus.length === 0) return [];
  const text = `${name} is wholly on the CPU, though there is a GPU`;
  const fix = 'restart the server, and check what its log says about the GPU (journalctl -u ollama)';
  return [finding('warning', 'ollama-on-cpu', text, fix)];
}

/** Advises the window with which the KV cache of all slots is as much smaller as the model is too large. */
function smallerWindow(
  { bytes, vramBytes, contextTokens, kvBytesPerToken }: LoadedState,
  slots: number | null,
): string {
  const otherwise = 'OLLAMA_NUM_PARALLEL with fewer slots, or a smaller quantisation of the model';
  if (contextTokens === null || kvBytesPerToken === null || slots === null)
    return `a smaller --option num_ctx=, ${otherwise}`;
  const fitting = contextTokens - (bytes - vramBytes) / (kvBytesPerToken * slots);
  const rounded = Math.floor(fitting / 1024) * 1024;
  const now = `${formatInteger(contextTokens)} tokens now, ${slots} slot${slots === 1 ? '' : 's'}`;
  return rounded < 1024 ? `${otherwise} (${now})` : `--option num_ctx=${rounded} (${now}), ${otherwise}`;
}

/** A window from which on it is far wider than short prompts need, in tokens. */
const wideTokens = 32_768;

function wideWindow(
  { name }: InstalledModel,
  { contextTokens, kvBytesPerToken, hasSlidingWindow }: LoadedState,
): Finding[] {
  if (contextTokens === null || contextTokens < wideTokens) return [];
  const upTo = hasSlidingWindow ? 'up to ' : '';
  const bytes =
    kvBytesPerToken === null
      ? ''
      : `, ${upTo}${formatBytes(contextTokens * kvBytesPerToken)} of KV cache for each slot (estimated)`;
  const text = `${name} is loaded with a context window of ${formatInteger(contextTokens)} tokens${bytes}; a run of llmbatch loads it with what its longest prompt needs`;
  return [settingFinding('hint', 'ollama-wide-window', text, { name: 'OLLAMA_CONTEXT_LENGTH', value: '8192' })];
}

/** Values that a quantised KV cache stores as one block. */
const blockValues = 32;
const isQuantised = (type: string | null | undefined): boolean => type != null && !/^(f16|bf16|f32)$/i.test(type);

function unevenHeads({ probe, settings }: OllamaSearch): Finding[] {
  const type = settings?.values.OLLAMA_KV_CACHE_TYPE;
  const length = probe?.keyLength ?? null;
  if (probe === null || length === null || !isQuantised(type) || length % blockValues === 0) return [];
  const text = `a KV cache of type ${type} holds blocks of ${blockValues} values, and the attention heads of ${probe.model} have ${length}: it can't be loaded with this setting`;
  return [settingFinding('warning', 'ollama-cache-type-heads', text, { name: 'OLLAMA_KV_CACHE_TYPE', value: 'f16' })];
}

function flashAttention(settings: ServerSettings | null): Finding[] {
  const { OLLAMA_KV_CACHE_TYPE: type = null, OLLAMA_FLASH_ATTENTION: flash = null } = settings?.values ?? {};
  if (!isQuantised(type) || flash === null || !/^(0|f|false)$/i.test(flash)) return [];
  const text = `OLLAMA_KV_CACHE_TYPE=${type} needs flash attention, which OLLAMA_FLASH_ATTENTION=${flash} turns off`;
  return [
    settingFinding('warning', 'ollama-cache-type-attention', text, { name: 'OLLAMA_FLASH_ATTENTION', value: '1' }),
  ];
}

/** Families of models that have one, for models that are not loaded: only for those the server is asked. */
const familiesWithWindow = /^(gemma[2-9]|gptoss|gpt-oss)/;
/** The first version that runs llama-server, which forgets what lies outside the window. */
const firstWithSwaFull = '0.30.0';

function slidingWindow({ version, models, settings }: OllamaSearch): Finding[] {
  const affected = models.filter(
    ({ family, loaded }) => loaded?.hasSlidingWindow ?? familiesWithWindow.test(family ?? ''),
  );
  if (version === null || isBefore(version, firstWithSwaFull) || affected.length === 0) return [];
  if (isSwitchedOn(settings?.values.LLAMA_ARG_SWA_FULL)) return [];
  const names = affected.map(({ name }) => name).join(', ');
  const unless = settings === null ? 'unless it is set otherwise, ' : '';
  const text = `${unless}the server forgets the tokens outside the sliding window of ${names}: the shared beginning of prompts of a few hundred tokens is computed again each time (measured with Gemma 3 on a CPU: 71 tokens of 71 for each request, 15 with this setting, which needs more memory for the KV cache)`;
  const level = settings === null ? 'hint' : 'warning';
  return [settingFinding(level, 'ollama-sliding-window', text, { name: 'LLAMA_ARG_SWA_FULL', value: '1' })];
}

const gibibyte = 1024 ** 3;

/** Ollama's own context window, by the GPU's memory, where none is given. */
function defaultWindow({ ollama: { isLocal, settings }, machine }: FindingContext): Finding[] {
  if (!isLocal || settings === null || settings.values.OLLAMA_CONTEXT_LENGTH !== null) return [];
  const total = machine.gpu.gpus.reduce((sum, { totalBytes }) => sum + (totalBytes ?? 0), 0);
  if (total < 23 * gibibyte) return [];
  const tokens = total >= 47 * gibibyte ? 262_144 : 32_768;
  const text = `with ${formatBytes(total)} of GPU memory, Ollama gives each slot ${formatInteger(tokens)} tokens by default; llmbatch sets its own number, other programs may not`;
  return [settingFinding('hint', 'ollama-default-window', text, { name: 'OLLAMA_CONTEXT_LENGTH', value: '8192' })];
}
