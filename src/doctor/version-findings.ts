import { type VersionFact, factsOf, isBefore } from '../backends/ollama/http/versions.ts';
import type { SystemReport } from './examine.ts';
import { type Finding, finding, settingFinding } from './finding.ts';

/** What the server's version does wrong. */
export function versionFindings({ ollama: { version, failure, settings } }: SystemReport): Finding[] {
  if (version === null || failure !== null) return [];
  const facts = factsOf(version).filter(({ text }) => !text.includes(ramCache.name));
  return [...facts.map((fact) => findingOf(version, fact)), ...ramCacheFindings(version, settings?.values ?? null)];
}

function findingOf(version: string, { level, text, until }: VersionFact): Finding {
  const fix = until === null ? 'none yet' : `Ollama ${until} or newer (https://ollama.com/download)`;
  return finding(level, `Ollama ${version} ${text}`, fix);
}

const ramCache = { name: 'LLAMA_ARG_CACHE_RAM', value: '0' };
/** With llama-server came its cache. */
const firstWithRamCache = '0.30.0';

function ramCacheFindings(version: string, values: { LLAMA_ARG_CACHE_RAM: string | null } | null): Finding[] {
  if (isBefore(version, firstWithRamCache)) return [];
  const what =
    'prompts in RAM, up to 8 GiB, which slows it with every distinct one (measured with a tiny model: 141 requests a second fell to 63 after 2,000 prompts, to 14 after 5,000)';
  if (values === null) {
    return [settingFinding('hint', `if it was not told otherwise, the server keeps all ${what}`, ramCache)];
  }
  return values.LLAMA_ARG_CACHE_RAM === '0'
    ? []
    : [settingFinding('warning', `the server keeps all ${what}`, ramCache)];
}
