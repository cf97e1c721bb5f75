import type { SystemReport } from './examine.ts';
import { engineFindings, usableEngines } from './engine-findings.ts';
import { type Finding, finding } from './finding.ts';
import { modelFindings } from './model-findings.ts';
import { reachFindings } from './reach-findings.ts';
import { slotFindings } from './slot-findings.ts';
import { versionFindings } from './version-findings.ts';

const levels = ['error', 'warning', 'hint'] as const;

/** What is amiss, the worst first. */
export function findingsOf(examination: SystemReport): Finding[] {
  return [
    ...nothingUsable(examination),
    ...reachFindings(examination),
    ...slotFindings(examination),
    ...modelFindings(examination),
    ...versionFindings(examination),
    ...engineFindings(examination),
  ].toSorted((left, right) => levels.indexOf(left.level) - levels.indexOf(right.level));
}

function nothingUsable(examination: SystemReport): Finding[] {
  if (usableEngines(examination).length > 0) return [];
  return [
    finding(
      'error',
      'there is no engine here to run a batch with',
      'npm install node-llama-cpp, or Ollama (https://ollama.com/download)',
    ),
  ];
}
