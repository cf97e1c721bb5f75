import type { ReadyModel } from '../core/doctor/examination.ts';
import type { Finding } from '../core/doctor/finding.ts';
import { commandLine } from '../text/command-line.ts';
import { nearModel } from '../text/near-model.ts';
import type { ExaminedBackend, SystemReport } from './examine-system.ts';

/** What doctor says last. */
export interface DoctorVerdict {
  isReady: boolean;
  /** One line: what can be used, or that nothing can, and the command to type next. */
  text: string;
  /** That command. */
  command: string;
}

/** A model that a run could use, and the engine that has it. */
interface Candidate extends ReadyModel {
  engine: ExaminedBackend;
}

/** The model that the user asked for, where an engine has it, though no flag names the engine's server. */
export const findReady = (system: SystemReport): Candidate | null =>
  readyModels(system).find(({ name }) => name === system.asked.model) ?? null;

/** Says whether a run can begin, and with which command. */
export function verdictOf(system: SystemReport, findings: readonly Finding[]): DoctorVerdict {
  const isReady = !findings.some(({ level }) => level === 'error');
  if (isReady) return readyVerdict(system);
  const models = readyModels(system);
  const near =
    system.asked.model === null || (system.search?.serving.length ?? 0) > 0
      ? null
      : nearModel(
          system.asked.model,
          models.map(({ name }) => name),
        );
  const candidate = models.find(({ name }) => name === near);
  if (candidate !== undefined) {
    const command = runCommand(system, candidate);
    return { isReady, text: `Not ready: see the error above. Or try: ${command}`, command };
  }
  const model = system.asked.model === null ? [] : ['-m', system.asked.model];
  const command = commandLine(['llmbatch', 'doctor', ...model, ...system.flags.server, ...system.flags.option]);
  return { isReady, text: `Not ready: fix the error above, then try: ${command}`, command };
}

function readyVerdict(system: SystemReport): DoctorVerdict {
  const { search, asked } = system;
  if (asked.model !== null && search !== null && search.serving.length > 0) {
    const [first = ''] = search.serving;
    const engine = allExamined(system).find(({ name }) => name === first);
    return ready(search.serving, runCommand(system, { name: asked.model, flags: [], engine }));
  }
  const candidate = asked.model === null ? readyModels(system)[0] : findReady(system);
  if (candidate) return ready([candidate.engine.name], runCommand(system, candidate));
  const [engine] = usableOnes(system);
  const command = runCommand(system, { name: engine?.exampleModel ?? 'MODEL', flags: [], engine });
  return ready(
    usableOnes(system).map(({ name }) => name),
    command,
  );
}

const ready = (engines: readonly string[], command: string): DoctorVerdict => ({
  isReady: true,
  text: `Ready: ${[...new Set(engines)].join(', ')}. Try: ${command}`,
  command,
});

function runCommand(
  { flags: given, probed }: SystemReport,
  { name, flags, engine }: Omit<Candidate, 'engine'> & { engine: ExaminedBackend | undefined },
): string {
  // The options of the call are those of an engine that is probed.
  const options = engine !== undefined && probed.includes(engine) ? given.option : [];
  return commandLine(['llmbatch', 'run', 'questions.jsonl', '-m', name, ...given.server, ...flags, ...options]);
}

/** The models of the usable engines: of those alone whose servers or cluster the user named, where he named some. */
function readyModels(system: SystemReport): Candidate[] {
  return usableOnes(system).flatMap((engine) => (engine.engine.models ?? []).map((model) => ({ ...model, engine })));
}

function usableOnes(system: SystemReport): ExaminedBackend[] {
  const usable = allExamined(system).filter(({ engine }) => engine.isUsable);
  return system.named.length === 0 ? usable : usable.filter(({ name }) => system.named.includes(name));
}

/** The examined backends in the order of the registry. */
export const allExamined = ({ engines, probed, others }: SystemReport): ExaminedBackend[] =>
  [...probed, ...others].toSorted((left, right) => engines.indexOf(left.name) - engines.indexOf(right.name));
