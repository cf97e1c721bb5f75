import { type Finding, finding, settingFinding } from '../../../core/doctor/finding.ts';
import { isBefore } from '../../../text/versions.ts';
import { type VersionFact, factsOf } from '../http/versions.ts';
import type { FindingContext } from './find-ollama.ts';

/** Findings about what the server's version does wrong. */
export function versionFindings({ ollama: { version, failure, settings } }: FindingContext): Finding[] {
  if (version === null || failure !== null) return [];
  const facts = factsOf(version).filter(({ id }) => id !== ramCacheId);
  return [...facts.map((fact) => findingOf(version, fact)), ...ramCacheFindings(version, settings?.values ?? null)];
}

function findingOf(version: string, { id, level, text, until }: VersionFact): Finding {
  const fix = until === null ? 'none yet' : `Ollama ${until} or newer (https://ollama.com/download)`;
  return finding(level, `ollama-version-${id}`, `Ollama ${version} ${text}`, fix);
}

/** The fact that the server's settings tell more of. */
const ramCacheId = 'ram-cache';
const ramCache = { name: 'LLAMA_ARG_CACHE_RAM', value: '0' };
/** The first version that runs llama-server, which has this cache. */
const firstWithRamCache = '0.30.0';

function ramCacheFindings(version: string, values: { LLAMA_ARG_CACHE_RAM: string | null } | null): Finding[] {
  if (isBefore(version, firstWithRamCache)) return [];
  const what =
    'prompts in RAM, up to 8 GiB, which slows it with every distinct one (measured with a tiny model: 141 requests a second fell to 63 after 2,000 prompts, to 14 after 5,000)';
  if (values === null) {
    return [
      settingFinding('hint', 'ollama-ram-cache', `unless it is set otherwise, the server keeps all ${what}`, ramCache),
    ];
  }
  return values.LLAMA_ARG_CACHE_RAM === '0'
    ? []
    : [settingFinding('warning', 'ollama-ram-cache', `the server keeps all ${what}`, ramCache)];
}
