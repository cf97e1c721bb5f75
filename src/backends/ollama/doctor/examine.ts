import type { EngineReport, ExaminedEngine, ExamineRequest } from '../../../core/doctor/examination.ts';
import { givenText } from '../../../core/connection.ts';
import { UsageError } from '../../../core/errors.ts';
import { type Finding, finding, worstFirst } from '../../../core/doctor/finding.ts';
import { formatBytes } from '../../../text/format.ts';
import { ollamaOptionsSchema } from '../options.ts';
import { type FindingContext, type OllamaSearch, findOllama } from './find-ollama.ts';
import { howToSet } from './how-to-set.ts';
import type { InstalledModel } from './installed-models.ts';
import { modelFindings } from './model-findings.ts';
import { reachFindings } from './reach-findings.ts';
import { serverRows } from './rows.ts';
import { slotFindings } from './slot-findings.ts';
import { versionFindings } from './version-findings.ts';

/** Looks for an Ollama server, and probes how many requests it works on at once. */
export async function examineOllama(request: ExamineRequest): Promise<ExaminedEngine> {
  const { connection, model, options } = request;
  if ('slots' in options) throw new UsageError('--option slots is what doctor finds out', 'Leave it out.');
  const checked = (await ollamaOptionsSchema()).parse(options);
  const ollama = await findOllama({ ...request, options: { ...checked, isKeepAliveGiven: 'keep_alive' in options } });
  return examinedOllama(ollama, { host: givenText(connection, 'host'), model });
}

/** What was found of an Ollama server, for the system's report. */
export const examinedOllama = (ollama: OllamaSearch, asked: FindingContext['asked']): ExaminedEngine => ({
  isUsable: ollama.version !== null && ollama.failure === null,
  serverUrl: ollama.url,
  models: ollama.models
    .toSorted((left, right) => rankOf(left) - rankOf(right))
    .map(({ name }) => ({ name, flags: [] })),
  json: { ollama },
  report: (machine) => reportOllama({ ollama, asked, machine }),
});

/** The smaller, the sooner a model is to be tried: one that writes answers, then a loaded one, then a small one. */
const rankOf = ({ capabilities, loaded, weightsBytes }: InstalledModel): number =>
  (capabilities?.includes('completion') === false ? 2e18 : 0) + (loaded === null ? 1e18 : 0) + weightsBytes;

/** Describes what was found of an Ollama server. */
export function reportOllama(context: FindingContext): EngineReport {
  const findings = [
    ...reachFindings(context),
    ...slotFindings(context),
    ...modelFindings(context),
    ...versionFindings(context),
    ...gpuFindings(context),
  ];
  return { rows: serverRows(context), findings, howToSet: howToSet(worstFirst(findings), context) };
}

function gpuFindings({ ollama: { isLocal, version }, machine: { gpu } }: FindingContext): Finding[] {
  if (gpu.gpus.length < 2 || !isLocal || version === null) return [];
  const sizes = gpu.gpus.map(({ totalBytes }) => formatBytes(totalBytes)).join(', ');
  const text = `there are ${gpu.gpus.length} GPUs (${sizes}): one Ollama server is seldom faster with several`;
  const fix = `a server for each of them, and a part of the input for each server:\nCUDA_VISIBLE_DEVICES=1 OLLAMA_HOST=127.0.0.1:11435 ollama serve`;
  return [finding('hint', 'ollama-several-gpus', text, fix)];
}
