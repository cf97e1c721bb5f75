import { exitCodes } from '../core/errors.ts';
import { snakeKeys } from '../text/snake-keys.ts';
import { usableEngines } from './engine-findings.ts';
import { type SystemReport, examine } from './examine.ts';
import type { OllamaRequest } from './find-ollama.ts';
import type { Finding } from './finding.ts';
import { findingsOf } from './findings.ts';
import { howToSet } from './how-to-set.ts';

export interface Diagnosis {
  examination: SystemReport;
  /** Engines that could take a run now. */
  usable: string[];
  findings: Finding[];
  howToSet: string[];
}

/** Looks at what is here, and says what is amiss. */
export async function diagnose(request: OllamaRequest): Promise<Diagnosis> {
  const examination = await examine(request);
  const findings = findingsOf(examination);
  return { examination, usable: usableEngines(examination), findings, howToSet: howToSet(findings, examination) };
}

/** Warnings and hints do not count. */
export const exitCodeOf = ({ findings }: Diagnosis): number =>
  findings.some(({ level }) => level === 'error') ? exitCodes.engineUnusable : exitCodes.ok;

/**
 * One object. Keys are those of the interfaces, in snake_case; null where nothing was seen or measured:
 * - `llmbatch`: version, node, platform, architecture, free_memory_bytes; `asked`: host, model; `engines`: of this llmbatch
 * - `usable`: the engines that could take a run now
 * - `gpu`: gpus [name, driver, total_bytes, used_bytes, free_bytes], failure
 * - `ollama`: address, url, is_local, is_installed, version, failure {kind, text}, is_open_to_others,
 *   settings {values {OLLAMA_NUM_PARALLEL, ...}, started_by},
 *   models [name, weights_bytes, family, parameters, quantisation, capabilities, is_remote, has_one_slot, trained_tokens,
 *   loaded {context_tokens, bytes, vram_bytes, kv_bytes_per_token, has_sliding_window}],
 *   probe {model, slots, width, found_by, probe_ms, load_ms, key_length, failure {kind, text, hint}}
 * - `embedded`: version; `python`: command, named_by, version, vllm_version, failure
 * - `openai`: is_base_url_set, ports, servers [url, named_by, kind, models [name, context_tokens], failure]
 * - `findings`: [level, text, fix, setting {name, value}], the worst first
 * - `how_to_set`: lines that say how the settings of the findings are set
 */
export const renderJson = ({ examination, ...diagnosis }: Diagnosis): string =>
  `${JSON.stringify(snakeKeys({ ...examination, ...diagnosis }))}\n`;
