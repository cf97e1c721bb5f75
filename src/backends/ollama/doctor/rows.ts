import type { ReportRow } from '../../../core/doctor/examination.ts';
import { formatBytes, formatDuration, formatInteger, notMeasured } from '../../../text/format.ts';
import type { FindingContext, OllamaSearch } from './find-ollama.ts';
import { type InstalledModel, type LoadedState, findNamed } from './installed-models.ts';
import type { SlotProbe } from './probe.ts';

/** The rows of the Ollama server, its settings and its models. */
export function serverRows({ ollama, machine }: FindingContext): ReportRow[] {
  const { version, url, failure } = ollama;
  if (failure !== null || version === null) {
    const command = ollama.isInstalled ? 'the command ollama is there' : 'no command ollama on the PATH';
    return [['ollama', `${failure?.text ?? notMeasured}; ${command}`]];
  }
  return [
    ['ollama', `${version} at ${url}, ${slotsText(ollama)}`],
    ...settingRows(ollama, machine.platform),
    ...modelRows(ollama.models),
  ];
}

/** `4 slots of 4,096 tokens (probed with gemma3:4b, 0.4 s)` */
function slotsText({ probe, models }: OllamaSearch): string {
  if (probe === null) return 'slots n/a (not probed)';
  const { model: name, slots, failure } = probe;
  if (slots === null) return `slots n/a (${failure === null ? 'not probed' : 'the probe failed'})`;
  const tokens = findNamed(models, name)?.loaded?.contextTokens ?? null;
  const of = tokens === null ? '' : ` of ${formatInteger(tokens)} tokens`;
  return `${slots} slot${slots === 1 ? '' : 's'}${of} (${howFound(probe)})`;
}

function howFound({ model, slots, width, foundBy, probeMs, loadMs }: SlotProbe): string {
  if (foundBy === 'process')
    return `its process says so, with ${model}${loadMs === null ? '' : `; loading it took ${formatDuration(loadMs)}`}`;
  if (foundBy === 'architecture') return `the architecture of ${model} has no more`;
  const more = slots === width ? ', maybe more' : '';
  const loading = loadMs === null ? '' : `, loaded for it in ${formatDuration(loadMs)}`;
  return `probed with ${model}, ${formatDuration(probeMs)}${loading}${more}`;
}

function settingRows({ settings, isLocal }: OllamaSearch, platform: string): ReportRow[] {
  if (settings === null) return [['', `its settings can't be seen: ${whyUnseen(isLocal, platform)}`]];
  const entries = Object.entries(settings.values);
  const set = entries.flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  const unset = entries.flatMap(([name, value]) => (value === null ? [name] : []));
  return [
    ['', `set where it is started: ${set.join(' ') || 'nothing'}`],
    ['', `as usual: ${unset.join(' ') || 'nothing'}`],
  ];
}

function whyUnseen(isLocal: boolean, platform: string): string {
  if (!isLocal) return 'it is on another machine';
  return platform === 'linux' ? "it is another user's (try sudo), or in a container" : 'this system does not show them';
}

function modelRows(models: readonly InstalledModel[]): ReportRow[] {
  const width = Math.max(0, ...models.map(({ name }) => name.length));
  return models.map((model) => ['', `${model.name.padEnd(Math.min(width, 24))}  ${modelText(model)}`]);
}

/** `4.3B Q4_K_M, gemma3, 3.1 GiB, trained on 131,072 tokens; loaded, on the GPU` */
function modelText({
  parameters,
  quantisation,
  family,
  weightsBytes,
  trainedTokens,
  ...model
}: InstalledModel): string {
  const size = [parameters, quantisation].filter((part) => part !== null).join(' ');
  const trained = `trained on ${trainedTokens === null ? notMeasured : formatInteger(trainedTokens)} tokens`;
  const bytes = model.isRemote ? 'in the cloud' : formatBytes(weightsBytes);
  const facts = [size, family ?? '', bytes, trained].filter((part) => part !== '').join(', ');
  return model.loaded === null ? facts : `${facts}; loaded${contextText(model.loaded)}, ${placeText(model.loaded)}`;
}

const contextText = ({ contextTokens }: LoadedState): string =>
  contextTokens === null ? '' : ` with ${formatInteger(contextTokens)} tokens`;

function placeText({ bytes, vramBytes }: LoadedState): string {
  if (vramBytes === 0) return 'on the CPU';
  return vramBytes < bytes ? `${formatBytes(vramBytes)} of ${formatBytes(bytes)} on the GPU` : 'on the GPU';
}
